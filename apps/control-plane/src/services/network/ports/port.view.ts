import { toTime } from "../common/wire.ts";
import type { Port } from "./port.model.ts";

export function toPortView(port: Port, admin: boolean) {
  return {
    id: port.id,
    name: port.name,
    network_id: port.networkId,
    tenant_id: port.projectId,
    project_id: port.projectId,
    mac_address: port.macAddress,
    admin_state_up: port.adminStateUp,
    status: port.status,
    device_id: port.deviceId,
    device_owner: port.deviceOwner,
    fixed_ips: port.fixedIps,
    allowed_address_pairs: port.allowedAddressPairs,
    extra_dhcp_opts: port.extraDhcpOpts,
    security_groups: port.securityGroupIds,
    description: port.description,
    "binding:vnic_type": port.vnicType,
    ...(admin ? bindingView(port) : {}),
    port_security_enabled: port.portSecurityEnabled,
    dns_name: port.dnsName,
    dns_assignment: port.fixedIps.map(({ ip_address: address }) => dnsAssignment(port, address)),
    qos_policy_id: port.qosPolicyId,
    qos_network_policy_id: port.qosNetworkPolicyId,
    ...(port.trunk === null ? {} : { trunk_details: trunkView(port.trunk) }),
    // what a placement service would be asked for; there is nothing to ask it for here
    resource_request: null,
    tags: port.tags,
    created_at: toTime(port.createdAt),
    updated_at: toTime(port.updatedAt),
    revision_number: port.revisionNumber,
  };
}

const trunkView = (trunk: NonNullable<Port["trunk"]>) => ({
  trunk_id: trunk.id,
  sub_ports: trunk.subPorts.map((one) => ({
    port_id: one.portId,
    segmentation_type: "vlan",
    segmentation_id: one.segmentationId,
    mac_address: one.macAddress,
  })),
});

function bindingView(port: Port) {
  const bound = port.hostId !== "";
  return {
    "binding:host_id": port.hostId,
    "binding:profile": port.bindingProfile,
    "binding:vif_type": bound ? "ovs" : "unbound",
    "binding:vif_details": bound ? { port_filter: true, connectivity: "l2", bridge_name: "br-int" } : {},
  };
}

/** Neutron's `dns_assignment`: a port without a name is called after its address. */
function dnsAssignment(port: Port, address: string) {
  const hostname = port.dnsName === "" ? `host-${address.replaceAll(/[.:]/g, "-")}` : port.dnsName;
  return { ip_address: address, hostname, fqdn: hostname };
}
