import { newUuid } from "@andromede/base/ids";
import type { Queryable } from "@andromede/platform/db/database";

import type { Transaction } from "../../../db/transaction.ts";
import type { ListRequest } from "../common/list-request.ts";
import type { Requester } from "../common/requester.ts";
import { type FloatingIp, alreadyAssociated, floatingIpNotFound } from "../floating-ips/floating-ip.model.ts";
import { findFloatingIp, findFloatingIpOfPort, lockFloatingIp } from "../floating-ips/floating-ip.queries.ts";
import { portNotFound } from "../ports/port.model.ts";
import { lockVisiblePort } from "../ports/port.queries.ts";
import { findRouterBetween } from "../routers/router.queries.ts";
import {
  type PortForwarding,
  type PortForwardingWire,
  checkFree,
  chooseInternal,
  otherRouter,
  portForwardingNotFound,
  portHasFloatingIp,
  readPortForwarding,
  unreachable,
} from "./port-forwarding.model.ts";
import {
  deletePortForwardingRow,
  findPortForwarding,
  insertPortForwarding,
  listForwardingsOf,
  listForwardingsTo,
  listPortForwardings,
  setRouter,
  updatePortForwardingRow,
} from "./port-forwarding.queries.ts";

function tell(
  tx: Transaction,
  verb: "create" | "update" | "delete",
  { id, projectId, floatingipId }: Pick<PortForwarding, "id" | "projectId" | "floatingipId">,
): void {
  tx.event({
    action: `network.port_forwarding.${verb}`,
    target: { type: "port_forwarding", id, projectId },
    detail: { floatingipId },
  });
  tx.enqueue(`floatingip/${floatingipId}`);
}

/** Where it leads, and by which router. Ports are locked before floating IPs. */
async function place(
  tx: Transaction,
  requester: Requester,
  floatingIpId: string,
  wanted: ReturnType<typeof readPortForwarding> & { id: string },
): Promise<{ forwarding: Omit<PortForwarding, "projectId">; floatingIp: FloatingIp; routerId: string }> {
  const port = await lockVisiblePort(tx.sql, requester, wanted.internalPortId);
  if (port === null) throw portNotFound(wanted.internalPortId);
  const fixed = chooseInternal(port, wanted.internalIpAddress);
  const floatingIp = await lockFloatingIp(tx.sql, requester, floatingIpId);
  if (floatingIp === null) throw floatingIpNotFound(floatingIpId);
  if (floatingIp.portId !== null) throw alreadyAssociated(floatingIp, port.id, fixed.ip_address);
  const [same, toPort, routerId, bound] = await Promise.all([
    listForwardingsOf(tx.sql, [floatingIpId]),
    listForwardingsTo(tx.sql, port.id),
    findRouterBetween(tx.sql, fixed.subnet_id, floatingIp.floatingNetworkId),
    findFloatingIpOfPort(tx.sql, port.id),
  ]);
  const forwarding = { ...wanted, floatingipId: floatingIpId, internalIpAddress: fixed.ip_address };
  checkFree(forwarding, same, toPort);
  if (bound !== null) throw portHasFloatingIp(port.id, bound, fixed.ip_address);
  if (routerId === null) throw unreachable(floatingIp, fixed.subnet_id, port.id);
  const others = same.filter((one) => one.id !== wanted.id);
  if (others.length > 0 && floatingIp.routerId !== null && floatingIp.routerId !== routerId)
    throw otherRouter(floatingIpId, floatingIp.routerId, port.id);
  return { forwarding, floatingIp, routerId };
}

export async function createPortForwarding(
  tx: Transaction,
  requester: Requester,
  floatingIpId: string,
  wire: PortForwardingWire,
): Promise<PortForwarding> {
  if ((await findFloatingIp(tx.sql, requester, floatingIpId)) === null) throw floatingIpNotFound(floatingIpId);
  const wanted = { ...readPortForwarding(wire), id: newUuid() };
  const { forwarding, floatingIp, routerId } = await place(tx, requester, floatingIpId, wanted);
  const row = { ...forwarding, projectId: floatingIp.projectId };
  await insertPortForwarding(tx.sql, row);
  await setRouter(tx.sql, floatingIpId, routerId);
  tell(tx, "create", row);
  return row;
}

export async function updatePortForwarding(
  tx: Transaction,
  requester: Requester,
  floatingIpId: string,
  id: string,
  wire: PortForwardingWire,
): Promise<PortForwarding> {
  const held = await getPortForwarding(tx.sql, requester, floatingIpId, id);
  const wanted = { ...readPortForwarding(wire, held), id };
  const { forwarding, routerId } = await place(tx, requester, floatingIpId, wanted);
  const row = { ...forwarding, projectId: held.projectId };
  await updatePortForwardingRow(tx.sql, row);
  await setRouter(tx.sql, floatingIpId, routerId);
  tell(tx, "update", row);
  return row;
}

export async function deletePortForwarding(
  tx: Transaction,
  requester: Requester,
  floatingIpId: string,
  id: string,
): Promise<void> {
  const floatingIp = await lockFloatingIp(tx.sql, requester, floatingIpId);
  if (floatingIp === null) throw floatingIpNotFound(floatingIpId);
  const held = await getPortForwarding(tx.sql, requester, floatingIpId, id);
  await deletePortForwardingRow(tx.sql, id);
  const others = await listForwardingsOf(tx.sql, [floatingIpId]);
  await setRouter(tx.sql, floatingIpId, others.length === 0 ? null : floatingIp.routerId);
  tell(tx, "delete", held);
}

/** One went with the port, or the address, that it led to. */
export const forwardingGone = (tx: Transaction, gone: Parameters<typeof tell>[2]): void => tell(tx, "delete", gone);

export async function readPortForwardings(
  sql: Queryable,
  requester: Requester,
  floatingIpId: string,
  request: ListRequest,
): Promise<PortForwarding[]> {
  if ((await findFloatingIp(sql, requester, floatingIpId)) === null) throw floatingIpNotFound(floatingIpId);
  return listPortForwardings(sql, floatingIpId, request);
}

export async function getPortForwarding(
  sql: Queryable,
  requester: Requester,
  floatingIpId: string,
  id: string,
): Promise<PortForwarding> {
  if ((await findFloatingIp(sql, requester, floatingIpId)) === null) throw floatingIpNotFound(floatingIpId);
  const forwarding = await findPortForwarding(sql, floatingIpId, id);
  if (forwarding === null) throw portForwardingNotFound(id);
  return forwarding;
}
