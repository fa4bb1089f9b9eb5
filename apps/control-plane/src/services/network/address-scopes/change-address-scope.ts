import { invalid } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";
import type { Queryable } from "@andromede/platform/db/database";

import type { Transaction } from "../../../db/transaction.ts";
import type { ListRequest } from "../common/list-request.ts";
import type { Requester } from "../common/requester.ts";
import { EVERYBODY, checkOwned } from "../common/sharing.ts";
import { dropSharing, setOpenToAll } from "../common/sharing.queries.ts";
import { type AddressScope, addressScopeInUse, addressScopeNotFound } from "./address-scope.model.ts";
import {
  deleteAddressScopeRow,
  findAddressScope,
  hasPools,
  insertAddressScope,
  listAddressScopes,
  lockAddressScope,
  updateAddressScopeRow,
} from "./address-scope.queries.ts";

export type CreateAddressScope = Pick<AddressScope, "projectId" | "name" | "ipVersion"> & { shared: boolean };

function tell(tx: Transaction, verb: "create" | "update" | "delete", { id, projectId }: AddressScope): void {
  tx.event({ action: `network.address_scope.${verb}`, target: { type: "address_scope", id, projectId } });
}

export async function createAddressScope(
  tx: Transaction,
  { shared, ...wanted }: CreateAddressScope,
): Promise<AddressScope> {
  const scope = { ...wanted, id: newUuid(), sharedWith: shared ? [EVERYBODY] : [] };
  await insertAddressScope(tx.sql, scope);
  if (shared) await setOpenToAll(tx.sql, { ...scope, type: "address_scope" }, "access_as_shared", true, newUuid());
  tell(tx, "create", scope);
  return scope;
}

async function lockOwned(tx: Transaction, requester: Requester, id: string, action: string): Promise<AddressScope> {
  const scope = await lockAddressScope(tx.sql, requester, id);
  if (scope === null) throw addressScopeNotFound(id);
  checkOwned(scope, requester, action);
  return scope;
}

export async function updateAddressScope(
  tx: Transaction,
  requester: Requester,
  id: string,
  wanted: { name?: string; shared?: boolean },
): Promise<AddressScope> {
  const scope = await lockOwned(tx, requester, id, "update_address_scope");
  const wasShared = scope.sharedWith.includes(EVERYBODY);
  const shared = wanted.shared ?? wasShared;
  if (wasShared && !shared) {
    throw invalid(`Unable to update address scope ${id} : Shared address scope can't be unshared.`, {
      type: "AddressScopeUpdateError",
    });
  }
  if (shared && !wasShared)
    await setOpenToAll(tx.sql, { ...scope, type: "address_scope" }, "access_as_shared", true, newUuid());
  const others = scope.sharedWith.filter((one) => one !== EVERYBODY);
  const changed = {
    ...scope,
    name: wanted.name ?? scope.name,
    sharedWith: [...(shared ? [EVERYBODY] : []), ...others],
  };
  await updateAddressScopeRow(tx.sql, id, changed);
  tell(tx, "update", scope);
  return changed;
}

export async function deleteAddressScope(tx: Transaction, requester: Requester, id: string): Promise<void> {
  const scope = await lockOwned(tx, requester, id, "delete_address_scope");
  if (await hasPools(tx.sql, id)) throw addressScopeInUse(id);
  await Promise.all([deleteAddressScopeRow(tx.sql, id), dropSharing(tx.sql, id)]);
  tell(tx, "delete", scope);
}

export const readAddressScopes = (
  sql: Queryable,
  requester: Requester,
  request: ListRequest,
): Promise<AddressScope[]> => listAddressScopes(sql, requester, request);

export async function readAddressScope(sql: Queryable, requester: Requester, id: string): Promise<AddressScope> {
  const scope = await findAddressScope(sql, requester, id);
  if (scope === null) throw addressScopeNotFound(id);
  return scope;
}
