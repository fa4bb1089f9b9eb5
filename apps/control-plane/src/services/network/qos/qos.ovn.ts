/**
 * Rules of QoS policies -> rows of OVN's QoS table on a switch: OpenFlow meters and marks, which the userspace datapath
 * knows as well as the kernel's. (A port's `qos_max_rate` would need the kernel's queues, and shapes one direction only.)
 */
import type { RowWrite } from "@andromede/ovsdb/types";

import type { Draft, Ref } from "../ovn/draft.ts";
import { type OwnedClass, QOS, marks } from "../ovn/names.ts";
import { type OvnNorthbound, type Row, type Tables, indexKey } from "../ovn/northbound.ts";

export type QosDirection = "ingress" | "egress";
/** What of a policy OVN can bring about. Egress is what the guest sends. */
export type OvnQosRule =
  | {
      readonly type: "bandwidth_limit";
      readonly direction: QosDirection;
      readonly maxKbps: number;
      readonly maxBurstKbps: number;
    }
  | { readonly type: "dscp_marking"; readonly dscpMark: number };

/** Where on its switch the traffic is told apart: a port, or one address at the port of a router. */
export type QosPlace = {
  readonly port: string;
  /** An address outside, translated where this router port is. */
  readonly address?: { readonly ip: string; readonly residentPort: string };
};

const PRIORITY = 2002;
/** One address is told apart before all that goes through its gateway. */
const PRIORITY_ADDRESS = 2003;
/**
 * The part of a second's traffic that may come at once when a rule does not say, as Neutron advises. A meter drops what is
 * too much, and TCP over a bucket much smaller settles at half the rate (measured: contract/ovn/qos).
 */
const BURST = 0.8;
/** A bucket must hold some full packets, or a slow rate lets none through. */
const MIN_BURST_KBPS = 120;

export const burstOf = (rule: { maxKbps: number; maxBurstKbps: number }): number =>
  rule.maxBurstKbps > 0 ? rule.maxBurstKbps : Math.max(MIN_BURST_KBPS, Math.round(rule.maxKbps * BURST));

/** Pure: one row for each direction that has a rule. */
export function qosRows(
  owner: OwnedClass,
  id: string,
  place: QosPlace,
  rules: readonly OvnQosRule[],
): (RowWrite<Tables["QoS"]> & { readonly direction: string })[] {
  return (["egress", "ingress"] as const).flatMap((direction) => {
    const limit = rules.find((rule) => rule.type === "bandwidth_limit" && rule.direction === direction);
    // what arrives was marked where it was sent
    const mark = direction === "egress" ? rules.find((rule) => rule.type === "dscp_marking") : undefined;
    if (limit === undefined && mark === undefined) return [];
    const ip = direction === "egress" ? "ip4.src" : "ip4.dst";
    const match = [
      `${direction === "egress" ? "inport" : "outport"} == "${place.port}"`,
      ...(place.address === undefined
        ? []
        : [`${ip} == ${place.address.ip}`, `is_chassis_resident("${place.address.residentPort}")`]),
    ].join(" && ");
    return [
      {
        priority: place.address === undefined ? PRIORITY : PRIORITY_ADDRESS,
        direction: direction === "egress" ? "from-lport" : "to-lport",
        match,
        action: mark?.type === "dscp_marking" ? { dscp: mark.dscpMark } : {},
        bandwidth: limit?.type === "bandwidth_limit" ? { rate: limit.maxKbps, burst: burstOf(limit) } : {},
        external_ids: marks(owner, id, { [QOS]: direction }),
      },
    ];
  });
}

/** Brings the rows of one owner on a switch in line; those on a switch that it left go too. */
export function writeQos(
  ovn: OvnNorthbound,
  draft: Draft,
  network: { readonly ref: Ref; readonly row: Row<"Logical_Switch"> },
  owner: OwnedClass,
  id: string,
  wanted: ReturnType<typeof qosRows>,
): void {
  const here = new Set(network.row.qos_rules);
  const existing = ovn.owned.QoS.all(indexKey(owner, id));
  const byDirection = new Map(existing.filter((row) => here.has(row._uuid)).map((row) => [row.direction, row]));
  const kept = wanted.map((row) => draft.row("QoS", byDirection.get(row.direction as "from-lport" | "to-lport"), row));
  draft.members("Logical_Switch", network, "qos_rules", {
    add: kept,
    remove: existing.map((row) => row._uuid).filter((uuid) => !kept.includes(uuid)),
  });
  removeQos(ovn, draft, owner, id, network.row._uuid);
}

/** Takes an owner's rows off every switch (but one). */
export function removeQos(ovn: OvnNorthbound, draft: Draft, owner: OwnedClass, id: string, butOn?: string): void {
  const existing = ovn.owned.QoS.all(indexKey(owner, id)).map((row) => row._uuid);
  if (existing.length === 0) return;
  for (const row of ovn.client.table("Logical_Switch").rows.values()) {
    if (row._uuid === butOn) continue;
    const remove = existing.filter((uuid) => row.qos_rules.includes(uuid));
    if (remove.length > 0) draft.members("Logical_Switch", { ref: row._uuid, row }, "qos_rules", { remove });
  }
}
