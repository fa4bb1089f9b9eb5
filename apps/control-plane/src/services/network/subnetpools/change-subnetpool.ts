import { invalid } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";
import type { Queryable } from "@andromede/platform/db/database";

import type { Transaction } from "../../../db/transaction.ts";
import type { ListRequest } from "../common/list-request.ts";
import type { Requester } from "../common/requester.ts";
import { EVERYBODY, checkOwned } from "../common/sharing.ts";
import { dropSharing, setOpenToAll } from "../common/sharing.queries.ts";
import { checkScope } from "../address-scopes/use-scope.ts";
import { listRoutersOfPool } from "../address-scopes/address-scope.queries.ts";
import { reserveQuota } from "../quotas/reserve-quota.ts";
import {
  type PrefixLengths,
  type Subnetpool,
  checkGrown,
  readPrefixLengths,
  readPrefixes,
  subnetpoolNotFound,
} from "./subnetpool.model.ts";
import {
  deleteSubnetpoolRow,
  findSubnetpool,
  insertSubnetpool,
  listPoolSubnets,
  listSubnetpools,
  lockSubnetpool,
  updateSubnetpoolRow,
} from "./subnetpool.queries.ts";

export type CreateSubnetpool = Partial<PrefixLengths> &
  Pick<Subnetpool, "projectId" | "name" | "description" | "defaultQuota" | "isDefault" | "addressScopeId"> & {
    prefixes: string[];
    shared: boolean;
  };

export async function createSubnetpool(
  tx: Transaction,
  requester: Requester,
  wanted: CreateSubnetpool,
): Promise<Subnetpool> {
  const { ipVersion, prefixes } = readPrefixes(wanted.prefixes);
  const lengths = readPrefixLengths(ipVersion, wanted);
  await reserveQuota(tx.sql, wanted.projectId, { subnetpool: 1 });
  const id = newUuid();
  await checkScope(tx, requester, { id, ipVersion, prefixes, addressScopeId: wanted.addressScopeId });
  const sharedWith = wanted.shared ? [EVERYBODY] : [];
  const pool = await insertSubnetpool(tx.sql, { ...wanted, ...lengths, id, ipVersion, prefixes, sharedWith });
  if (wanted.shared) await setOpenToAll(tx.sql, { ...pool, type: "subnetpool" }, "access_as_shared", true, newUuid());
  tx.event({
    action: "network.subnetpool.create",
    target: { type: "subnetpool", id: pool.id, projectId: pool.projectId },
    detail: { prefixes },
  });
  return pool;
}

export type UpdateSubnetpool = Partial<
  PrefixLengths &
    Pick<Subnetpool, "name" | "description" | "defaultQuota" | "isDefault" | "prefixes" | "addressScopeId">
>;

async function lockOwned(tx: Transaction, requester: Requester, id: string, action: string): Promise<Subnetpool> {
  const pool = await lockSubnetpool(tx.sql, requester, id);
  if (pool === null) throw subnetpoolNotFound(id);
  checkOwned(pool, requester, action);
  return pool;
}

export async function updateSubnetpool(
  tx: Transaction,
  requester: Requester,
  id: string,
  wanted: UpdateSubnetpool,
): Promise<Subnetpool> {
  const pool = await lockOwned(tx, requester, id, "update_subnetpool");
  const read = wanted.prefixes === undefined ? pool : readPrefixes(wanted.prefixes);
  if (read.ipVersion !== pool.ipVersion)
    throw invalid("Cannot mix IPv4 and IPv6 prefixes in a subnet pool.", { type: "PrefixVersionMismatch" });
  checkGrown(pool.prefixes, read.prefixes);
  const lengths = readPrefixLengths(pool.ipVersion, { ...pool, ...wanted });
  const addressScopeId = wanted.addressScopeId === undefined ? pool.addressScopeId : wanted.addressScopeId;
  await checkScope(tx, requester, { ...read, id, addressScopeId });
  const changed = await updateSubnetpoolRow(tx.sql, id, {
    ...pool,
    ...wanted,
    ...lengths,
    prefixes: read.prefixes,
    addressScopeId,
  });
  // within a scope nothing is translated: routers between its subnets learn of it
  if (addressScopeId !== pool.addressScopeId)
    for (const routerId of await listRoutersOfPool(tx.sql, id)) tx.enqueue(`router/${routerId}`);
  tx.event({ action: "network.subnetpool.update", target: { type: "subnetpool", id, projectId: pool.projectId } });
  return changed;
}

export async function deleteSubnetpool(tx: Transaction, requester: Requester, id: string): Promise<void> {
  const pool = await lockOwned(tx, requester, id, "delete_subnetpool");
  if ((await listPoolSubnets(tx.sql, id)).length > 0) {
    throw invalid("Unable to delete subnet pool: Subnet pool has existing allocations.", {
      type: "SubnetPoolDeleteError",
    });
  }
  await Promise.all([deleteSubnetpoolRow(tx.sql, id), dropSharing(tx.sql, id)]);
  tx.event({ action: "network.subnetpool.delete", target: { type: "subnetpool", id, projectId: pool.projectId } });
}

export const readSubnetpools = (sql: Queryable, requester: Requester, request: ListRequest): Promise<Subnetpool[]> =>
  listSubnetpools(sql, requester, request);

export async function readSubnetpool(sql: Queryable, requester: Requester, id: string): Promise<Subnetpool> {
  const pool = await findSubnetpool(sql, requester, id);
  if (pool === null) throw subnetpoolNotFound(id);
  return pool;
}
