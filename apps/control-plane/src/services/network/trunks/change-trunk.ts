import { forbidden } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";
import type { Queryable } from "@andromede/platform/db/database";

import type { Transaction } from "../../../db/transaction.ts";
import type { ListRequest } from "../common/list-request.ts";
import type { Requester } from "../common/requester.ts";
import { type Port, isOurs, portNotFound } from "../ports/port.model.ts";
import { lockVisiblePort, renewPort } from "../ports/port.queries.ts";
import { reserveQuota } from "../quotas/reserve-quota.ts";
import {
  type SubPort,
  type Trunk,
  checkUnused,
  checkVlans,
  portIsParent,
  portIsSubPort,
  subPortNotFound,
  tooBig,
  trunkDisabled,
  trunkNotFound,
} from "./trunk.model.ts";
import {
  addSubPortRows,
  deleteTrunkRow,
  findTrunk,
  findTrunkOfPort,
  insertTrunk,
  listMtus,
  listTrunks,
  lockTrunk,
  removeSubPortRows,
  touchTrunk,
  updateTrunkRow,
} from "./trunk.queries.ts";

export type CreateTrunk = Pick<Trunk, "projectId" | "name" | "description" | "adminStateUp" | "portId"> & {
  subPorts: SubPort[];
};

const everyone: Requester = { projectId: "-", admin: true };

function tell(tx: Transaction, verb: "create" | "update" | "delete", trunk: Pick<Trunk, "id" | "projectId">): void {
  const { id, projectId } = trunk;
  tx.event({ action: `network.trunk.${verb}`, target: { type: "trunk", id, projectId } });
}

/** Ports that are the requester's and in no trunk, held; in order of id. */
async function lockFree(tx: Transaction, requester: Requester, ids: readonly string[]): Promise<Port[]> {
  const ports: Port[] = [];
  for (const id of ids.toSorted()) {
    const port = await lockVisiblePort(tx.sql, requester, id);
    if (port === null) throw portNotFound(id);
    if (!requester.admin && port.projectId !== requester.projectId)
      throw forbidden("rule:create_trunk is disallowed by policy", { type: "PolicyNotAuthorized" });
    const other = await findTrunkOfPort(tx.sql, id);
    if (other !== null) throw (other.parent ? portIsParent : portIsSubPort)(id, other.trunkId);
    ports.push(port);
  }
  return ports;
}

async function join(tx: Transaction, requester: Requester, trunk: Trunk, added: readonly SubPort[]): Promise<void> {
  if (added.length === 0) return;
  const ids = added.map((one) => one.portId);
  for (const port of await lockFree(tx, requester, ids)) checkUnused(port);
  checkVlans(trunk.id, trunk.subPorts, added);
  const mtus = await listMtus(tx.sql, [trunk.portId, ...ids]);
  const limit = mtus.find(({ id }) => id === trunk.portId)?.mtu ?? 0;
  const big = mtus.find(({ mtu }) => mtu > limit);
  if (big !== undefined) throw tooBig(big, trunk.id, limit);
  await addSubPortRows(tx.sql, trunk, added);
  for (const id of ids) tx.enqueue(`port/${id}`);
}

export async function createTrunk(tx: Transaction, requester: Requester, wanted: CreateTrunk): Promise<Trunk> {
  const id = newUuid();
  await reserveQuota(tx.sql, wanted.projectId, { trunk: 1 });
  const [parent] = await lockFree(tx, requester, [wanted.portId]);
  if (parent === undefined || isOurs(parent.deviceOwner)) throw portNotFound(wanted.portId);
  await insertTrunk(tx.sql, { ...wanted, id });
  await join(tx, requester, await readTrunk(tx.sql, everyone, id), wanted.subPorts);
  tell(tx, "create", { id, projectId: wanted.projectId });
  const trunk = await readTrunk(tx.sql, everyone, id);
  await renewPort(tx.sql, trunk.portId);
  return trunk;
}

async function getLocked(tx: Transaction, requester: Requester, id: string): Promise<Trunk> {
  const trunk = await lockTrunk(tx.sql, requester, id);
  if (trunk === null) throw trunkNotFound(id);
  return trunk;
}

export async function updateTrunk(
  tx: Transaction,
  requester: Requester,
  id: string,
  wanted: Partial<Pick<Trunk, "name" | "description" | "adminStateUp">>,
): Promise<Trunk> {
  const trunk = await getLocked(tx, requester, id);
  await updateTrunkRow(tx.sql, id, { ...trunk, ...wanted });
  tell(tx, "update", trunk);
  return readTrunk(tx.sql, everyone, id);
}

export async function addSubPorts(
  tx: Transaction,
  requester: Requester,
  id: string,
  added: readonly SubPort[],
): Promise<Trunk> {
  const trunk = await getLocked(tx, requester, id);
  if (!trunk.adminStateUp) throw trunkDisabled(id);
  await join(tx, requester, trunk, added);
  return changed(tx, trunk);
}

export async function removeSubPorts(
  tx: Transaction,
  requester: Requester,
  id: string,
  removed: readonly string[],
): Promise<Trunk> {
  const trunk = await getLocked(tx, requester, id);
  if (!trunk.adminStateUp) throw trunkDisabled(id);
  const missing = removed.find((portId) => !trunk.subPorts.some((one) => one.portId === portId));
  if (missing !== undefined) throw subPortNotFound(id, missing);
  await part(tx, trunk, removed);
  return changed(tx, trunk);
}

async function part(tx: Transaction, trunk: Trunk, ports: readonly string[]): Promise<void> {
  await removeSubPortRows(tx.sql, trunk.id, ports);
  for (const portId of ports) tx.enqueue(`port/${portId}`);
}

async function changed(tx: Transaction, trunk: Trunk): Promise<Trunk> {
  await touchTrunk(tx.sql, trunk);
  tell(tx, "update", trunk);
  return readTrunk(tx.sql, everyone, trunk.id);
}

export async function deleteTrunk(tx: Transaction, requester: Requester, id: string): Promise<void> {
  const trunk = await getLocked(tx, requester, id);
  await part(
    tx,
    trunk,
    trunk.subPorts.map((one) => one.portId),
  );
  await deleteTrunkRow(tx.sql, id);
  await renewPort(tx.sql, trunk.portId);
  tell(tx, "delete", trunk);
}

/** Ports in trunks are not deleted by hand. */
export async function refuseInTrunk(tx: Transaction, portId: string): Promise<void> {
  const trunk = await findTrunkOfPort(tx.sql, portId);
  if (trunk !== null) throw (trunk.parent ? portIsParent : portIsSubPort)(portId, trunk.trunkId);
}

/** The server whose interface the port is goes, and the port with it: so does its trunk. */
export async function dropTrunkOf(tx: Transaction, portId: string): Promise<void> {
  const trunk = await findTrunkOfPort(tx.sql, portId);
  if (trunk?.parent === true) await deleteTrunk(tx, everyone, trunk.trunkId);
}

export const readTrunks = (sql: Queryable, requester: Requester, request: ListRequest): Promise<Trunk[]> =>
  listTrunks(sql, requester, request);

export async function readTrunk(sql: Queryable, requester: Requester, id: string): Promise<Trunk> {
  const trunk = await findTrunk(sql, requester, id);
  if (trunk === null) throw trunkNotFound(id);
  return trunk;
}
