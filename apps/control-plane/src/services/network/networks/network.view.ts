import { toTime } from "../common/wire.ts";
import type { NetworkWithSubnets } from "./network.model.ts";

/** The zone everything is in. */
export const ZONE = "nova";

export function toNetworkView(network: NetworkWithSubnets, admin: boolean) {
  return {
    id: network.id,
    name: network.name,
    tenant_id: network.projectId,
    project_id: network.projectId,
    admin_state_up: network.adminStateUp,
    mtu: network.mtu,
    status: network.status,
    subnets: network.subnetIds,
    shared: network.shared,
    availability_zone_hints: network.availabilityZoneHints,
    availability_zones: [ZONE],
    "router:external": network.external,
    ...(network.external ? { is_default: network.isDefault } : {}),
    description: network.description,
    port_security_enabled: network.portSecurityEnabled,
    dns_domain: network.dnsDomain,
    ...(admin
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
