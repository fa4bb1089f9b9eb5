/** floating IP -> a NAT row of its router, in both directions. */
import { unavailable } from "@andromede/base/errors";
import type { RowWrite } from "@andromede/ovsdb/types";

import { type Draft, writeOvn } from "../ovn/draft.ts";
import { ROUTER, marks, routerName, routerPortName, switchName } from "../ovn/names.ts";
import {
  type OvnForwarding,
  balancerRows,
  removeForwardings,
  writeForwardings,
} from "../port-forwardings/port-forwarding.ovn.ts";
import { type OvnQosRule, qosRows, removeQos, writeQos } from "../qos/qos.ovn.ts";
import { type OvnNorthbound, type Row, type Tables, indexKey } from "../ovn/northbound.ts";

/** What OVN must know of a floating IP that is on a port. */
export type OvnFloatingIp = {
  readonly id: string;
  readonly routerId: string;
  readonly floatingIpAddress: string;
  readonly fixedIpAddress: string;
  readonly portId: string;
  /** A MAC address makes the NAT happen on the guest's own host; null: on the gateway's. */
  readonly distributedMac: string | null;
  readonly shaping?: OvnShaping;
};

/** Where a floating IP's traffic is shaped: at the gateway of its router, on the external network. */
export type OvnShaping = {
  readonly networkId: string;
  readonly gatewayPortId: string;
  readonly rules: readonly OvnQosRule[];
};

/** One that leads some of its ports inside, and has no port of its own. */
export type OvnForwardingIp = {
  readonly id: string;
  readonly routerId: string;
  readonly floatingIpAddress: string;
  readonly forwardings: readonly OvnForwarding[];
  readonly shaping?: OvnShaping;
};

/** Pure: the NAT row. */
export function floatingIpRow(floatingIp: OvnFloatingIp): RowWrite<Tables["NAT"]> {
  return {
    type: "dnat_and_snat",
    external_ip: floatingIp.floatingIpAddress,
    logical_ip: floatingIp.fixedIpAddress,
    logical_port: floatingIp.portId,
    external_mac: floatingIp.distributedMac,
    options: { stateless: "false" },
    external_ids: marks("floatingip", floatingIp.id, { [ROUTER]: floatingIp.routerId }),
  };
}

function detach(ovn: OvnNorthbound, draft: Draft, row: Row<"NAT">): void {
  const router = ovn.named.Logical_Router.first(routerName(row.external_ids[ROUTER] ?? ""));
  if (router !== undefined)
    draft.members("Logical_Router", { ref: router._uuid, row: router }, "nat", { remove: [row._uuid] });
}

/** The floating IP answers for its port. `unavailable` while its router is not there. */
export function ensureFloatingIp(ovn: OvnNorthbound, floatingIp: OvnFloatingIp): Promise<boolean> {
  return writeOvn(ovn, (draft) => {
    const router = ovn.named.Logical_Router.first(routerName(floatingIp.routerId));
    if (router === undefined) throw unavailable("The floating IP's router is not realised yet");
    const rows = ovn.owned.NAT.all(indexKey("floatingip", floatingIp.id));
    const [existing] = rows;
    // One row, on one router: moved in the transaction that changes it.
    for (const row of rows)
      if (row !== existing || row.external_ids[ROUTER] !== floatingIp.routerId) detach(ovn, draft, row);
    const ref = draft.row("NAT", existing, floatingIpRow(floatingIp));
    draft.members("Logical_Router", { ref: router._uuid, row: router }, "nat", { add: [ref] });
    removeForwardings(ovn, draft, floatingIp.id);
    writeShaping(ovn, draft, floatingIp);
  });
}

/** The floating IP leads its ports inside. `unavailable` while its router is not there. */
export function ensureForwardings(ovn: OvnNorthbound, floatingIp: OvnForwardingIp): Promise<boolean> {
  return writeOvn(ovn, (draft) => {
    const { id, routerId, floatingIpAddress, forwardings } = floatingIp;
    const router = ovn.named.Logical_Router.first(routerName(routerId));
    if (router === undefined) throw unavailable("The floating IP's router is not realised yet");
    for (const row of ovn.owned.NAT.all(indexKey("floatingip", id))) detach(ovn, draft, row);
    writeForwardings(ovn, draft, id, router, balancerRows(id, routerId, floatingIpAddress, forwardings));
    writeShaping(ovn, draft, floatingIp);
  });
}

function writeShaping(
  ovn: OvnNorthbound,
  draft: Draft,
  { id, floatingIpAddress, shaping }: Pick<OvnFloatingIp, "id" | "floatingIpAddress" | "shaping">,
): void {
  const network = shaping === undefined ? undefined : ovn.named.Logical_Switch.first(switchName(shaping.networkId));
  if (shaping === undefined || network === undefined) {
    removeQos(ovn, draft, "floatingip", id);
    return;
  }
  const { gatewayPortId, rules } = shaping;
  const address = { ip: floatingIpAddress, residentPort: `cr-${routerPortName(gatewayPortId)}` };
  const rows = qosRows("floatingip", id, { port: gatewayPortId, address }, rules);
  writeQos(ovn, draft, { ref: network._uuid, row: network }, "floatingip", id, rows);
}

/** The floating IP answers for nobody. Also for one that was only taken off its port. */
export function removeFloatingIp(ovn: OvnNorthbound, floatingIpId: string): Promise<boolean> {
  return writeOvn(ovn, (draft) => {
    for (const row of ovn.owned.NAT.all(indexKey("floatingip", floatingIpId))) detach(ovn, draft, row);
    removeForwardings(ovn, draft, floatingIpId);
    removeQos(ovn, draft, "floatingip", floatingIpId);
  });
}
