import { toTime } from "../common/wire.ts";
import { toForwardingSummary } from "../port-forwardings/port-forwarding.model.ts";
import type { FloatingIpWithPort, PortDetails } from "./floating-ip.model.ts";

export function toFloatingIpView(floatingIp: FloatingIpWithPort) {
  return {
    id: floatingIp.id,
    tenant_id: floatingIp.projectId,
    project_id: floatingIp.projectId,
    floating_ip_address: floatingIp.floatingIpAddress,
    floating_network_id: floatingIp.floatingNetworkId,
    router_id: floatingIp.routerId,
    port_id: floatingIp.portId,
    fixed_ip_address: floatingIp.fixedIpAddress,
    status: floatingIp.status,
    port_details: floatingIp.portDetails === null ? null : toDetailsView(floatingIp.portDetails),
    port_forwardings: floatingIp.forwardings.map(toForwardingSummary),
    dns_name: floatingIp.dnsName,
    dns_domain: floatingIp.dnsDomain,
    qos_policy_id: floatingIp.qosPolicyId,
    qos_network_policy_id: floatingIp.qosNetworkPolicyId,
    description: floatingIp.description,
    tags: floatingIp.tags,
    created_at: toTime(floatingIp.createdAt),
    updated_at: toTime(floatingIp.updatedAt),
    revision_number: floatingIp.revisionNumber,
  };
}

const toDetailsView = (port: PortDetails) => ({
  name: port.name,
  network_id: port.networkId,
  mac_address: port.macAddress,
  admin_state_up: port.adminStateUp,
  status: port.status,
  device_id: port.deviceId,
  device_owner: port.deviceOwner,
});
