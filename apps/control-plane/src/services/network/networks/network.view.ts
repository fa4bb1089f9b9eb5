import type { Requester } from "../common/requester.ts";
import { isSharedWith } from "../common/sharing.ts";
import { toTime } from "../common/wire.ts";
import type { NetworkWithSubnets } from "./network.model.ts";

/** The zone everything is in. */
export const ZONE = "nova";

export function toNetworkView(network: NetworkWithSubnets, requester: Requester) {
  return {
    id: network.id,
    name: network.name,
    tenant_id: network.projectId,
    project_id: network.projectId,
    admin_state_up: network.adminStateUp,
    mtu: network.mtu,
    status: network.status,
    subnets: network.subnetIds,
    shared: isSharedWith(network, requester),
    availability_zone_hints: network.availabilityZoneHints,
    availability_zones: [ZONE],
    ipv4_address_scope: network.ipv4AddressScope,
    ipv6_address_scope: network.ipv6AddressScope,
    "router:external": network.external,
    ...(network.external ? { is_default: network.isDefault } : {}),
    description: network.description,
    port_security_enabled: network.portSecurityEnabled,
    dns_domain: network.dnsDomain,
    qos_policy_id: network.qosPolicyId,
    ...(requester.admin
      ? {
          "provider:network_type": network.networkType,
          "provider:physical_network": network.physicalNetwork,
          "provider:segmentation_id": network.segmentationId,
        }
      : {}),
    tags: network.tags,
    created_at: toTime(network.createdAt),
    updated_at: toTime(network.updatedAt),
    revision_number: network.revisionNumber,
  };
}
