import { toTime } from "../common/wire.ts";
import { ZONE } from "../networks/network.view.ts";
import type { InterfaceChange } from "./router-interface.ts";
import type { Router } from "./router.model.ts";

export function toRouterView(router: Router, admin: boolean) {
  return {
    id: router.id,
    name: router.name,
    tenant_id: router.projectId,
    project_id: router.projectId,
    description: router.description,
    admin_state_up: router.adminStateUp,
    status: router.status,
    external_gateway_info:
      router.gatewayPortId === null
        ? null
        : {
            network_id: router.gatewayNetworkId,
            external_fixed_ips: router.gatewayFixedIps ?? [],
            enable_snat: router.enableSnat,
            qos_policy_id: router.gatewayQosPolicyId,
          },
    routes: router.routes,
    availability_zone_hints: router.availabilityZoneHints,
    availability_zones: [ZONE],
    ...(admin ? { distributed: false, ha: false } : {}),
    flavor_id: null,
    tags: router.tags,
    created_at: toTime(router.createdAt),
    updated_at: toTime(router.updatedAt),
    revision_number: router.revisionNumber,
  };
}

export const toInterfaceView = (change: InterfaceChange) => ({
  id: change.routerId,
  tenant_id: change.projectId,
  project_id: change.projectId,
  port_id: change.portId,
  network_id: change.networkId,
  subnet_id: change.subnetIds[0],
  subnet_ids: change.subnetIds,
});
