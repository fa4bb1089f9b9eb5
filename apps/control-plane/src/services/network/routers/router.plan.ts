/** What OVN is to be told of a router. Pure. */
import { toOvnRules } from "../qos/qos-policy.model.ts";
import type { WantedRouter } from "./router-wanted.queries.ts";
import type { OvnRouter } from "./router.ovn.ts";

/**
 * Any host may be the gateway of any router; which comes first differs from router to router, so that they spread,
 * and is always the same for one router, so that nothing moves without need.
 */
export function chooseChassis(routerId: string, hosts: readonly string[]): string[] {
  const sorted = hosts.toSorted();
  if (sorted.length === 0) return [];
  const start = Number.parseInt(routerId.slice(0, 8), 16) % sorted.length;
  const from = Number.isNaN(start) ? 0 : start;
  // OVN takes at most a handful with sense: each watches the others
  return [...sorted.slice(from), ...sorted.slice(0, from)].slice(0, 5);
}

export function planRouter(router: WantedRouter, hosts: readonly string[]): OvnRouter {
  const { gateway } = router;
  return {
    id: router.id,
    name: router.name,
    adminStateUp: router.adminStateUp,
    routes: router.routes,
    gateway:
      gateway === null
        ? null
        : {
            portId: gateway.portId,
            networkId: gateway.networkId,
            macAddress: gateway.macAddress,
            addresses: gateway.legs.map((leg) => ({ ipAddress: leg.address, prefixLength: leg.prefix })),
            mtu: gateway.mtu,
            chassis: chooseChassis(router.id, hosts),
            gatewayIps: [...new Set(gateway.legs.flatMap((leg) => (leg.gatewayIp === null ? [] : [leg.gatewayIp])))],
            enableSnat: router.enableSnat,
            internalCidrs: router.internalCidrs,
            qos: toOvnRules(gateway.qosRules),
          },
  };
}
