/**
 * Ports of a floating IP -> Load_Balancer rows, one for each protocol, on the floating IP's router: as Neutron's own OVN
 * driver has it. Each of the ports is a VIP with one backend.
 */
import type { RowWrite } from "@andromede/ovsdb/types";

import type { Draft } from "../ovn/draft.ts";
import { ROUTER, marks, routerName } from "../ovn/names.ts";
import { type OvnNorthbound, type Row, type Tables, indexKey } from "../ovn/northbound.ts";

export type OvnForwarding = {
  readonly protocol: "tcp" | "udp";
  readonly externalPort: { readonly first: number; readonly last: number };
  readonly internalPort: { readonly first: number; readonly last: number };
  readonly internalIpAddress: string;
};

/** Pure: every port outside with where it leads; many may lead to one. */
export function vipsOf(floatingIpAddress: string, forwardings: readonly OvnForwarding[]): { [vip: string]: string } {
  const vips: { [vip: string]: string } = {};
  for (const { externalPort, internalPort, internalIpAddress } of forwardings) {
    const single = internalPort.first === internalPort.last;
    for (let port = externalPort.first; port <= externalPort.last; port++) {
      const inside = single ? internalPort.first : internalPort.first + port - externalPort.first;
      vips[`${floatingIpAddress}:${port}`] = `${internalIpAddress}:${inside}`;
    }
  }
  return vips;
}

/** Pure: a row for each protocol that has any. */
export function balancerRows(
  id: string,
  routerId: string,
  floatingIpAddress: string,
  forwardings: readonly OvnForwarding[],
): (RowWrite<Tables["Load_Balancer"]> & { readonly name: string })[] {
  return (["tcp", "udp"] as const).flatMap((protocol) => {
    const ours = forwardings.filter((one) => one.protocol === protocol);
    if (ours.length === 0) return [];
    return [
      {
        name: `pf-floatingip-${id}-${protocol}`,
        protocol,
        vips: vipsOf(floatingIpAddress, ours),
        external_ids: marks("floatingip", id, { [ROUTER]: routerId }),
      },
    ];
  });
}

/** The floating IP's rows as wanted, on this router and no other. */
export function writeForwardings(
  ovn: OvnNorthbound,
  draft: Draft,
  floatingIpId: string,
  router: Row<"Logical_Router">,
  wanted: ReturnType<typeof balancerRows>,
): void {
  const existing = ovn.owned.Load_Balancer.all(indexKey("floatingip", floatingIpId));
  const byName = new Map(existing.map((row) => [row.name, row]));
  const kept = wanted.map((row) => draft.row("Load_Balancer", byName.get(row.name), row));
  const leaving = existing.filter((row) => !kept.includes(row._uuid));
  draft.members("Logical_Router", { ref: router._uuid, row: router }, "load_balancer", { add: kept });
  // one that moved to another router was on the one its row named
  for (const row of existing) {
    const before = routerName(row.external_ids[ROUTER] ?? "");
    const other = before === router.name ? undefined : ovn.named.Logical_Router.first(before);
    if (other !== undefined)
      draft.members("Logical_Router", { ref: other._uuid, row: other }, "load_balancer", { remove: [row._uuid] });
  }
  draft.remove("Load_Balancer", leaving);
}

export function removeForwardings(ovn: OvnNorthbound, draft: Draft, floatingIpId: string): void {
  draft.remove("Load_Balancer", ovn.owned.Load_Balancer.all(indexKey("floatingip", floatingIpId)));
}
