import { newUuid } from "@andromede/base/ids";
import type { Queryable } from "@andromede/platform/db/database";

import type { Transaction } from "../../../db/transaction.ts";
import type { ListRequest } from "../common/list-request.ts";
import type { Requester } from "../common/requester.ts";
import { checkOwned } from "../common/sharing.ts";
import { dropSharing } from "../common/sharing.queries.ts";
import { type AddressGroup, addressGroupInUse, addressGroupNotFound, readAddresses } from "./address-group.model.ts";
import {
  deleteAddressGroupRow,
  findAddressGroup,
  insertAddressGroup,
  listAddressGroups,
  listGroupsWithAddressGroup,
  lockAddressGroup,
  updateAddressGroupRow,
} from "./address-group.queries.ts";

export type CreateAddressGroup = Pick<AddressGroup, "projectId" | "name" | "description" | "addresses">;

function tell(tx: Transaction, verb: "create" | "update" | "delete", { id, projectId }: AddressGroup): void {
  tx.event({ action: `network.address_group.${verb}`, target: { type: "address_group", id, projectId } });
}

export async function createAddressGroup(tx: Transaction, wanted: CreateAddressGroup): Promise<AddressGroup> {
  const addresses = readAddresses(wanted.addresses);
  const group = await insertAddressGroup(tx.sql, { ...wanted, id: newUuid(), addresses });
  tell(tx, "create", group);
  return group;
}

async function lockOwned(tx: Transaction, requester: Requester, id: string, action: string): Promise<AddressGroup> {
  const group = await lockAddressGroup(tx.sql, requester, id);
  if (group === null) throw addressGroupNotFound(id);
  checkOwned(group, requester, action);
  return group;
}

/** `change` says what of the group becomes different; rules that name it follow. */
export async function updateAddressGroup(
  tx: Transaction,
  requester: Requester,
  id: string,
  change: (group: AddressGroup) => Partial<Pick<AddressGroup, "name" | "description" | "addresses">>,
): Promise<AddressGroup> {
  const group = await lockOwned(tx, requester, id, "update_address_group");
  const wanted = change(group);
  const changed = await updateAddressGroupRow(tx.sql, id, { ...group, ...wanted });
  if (wanted.addresses !== undefined)
    for (const groupId of await listGroupsWithAddressGroup(tx.sql, id)) tx.enqueue(`security_group/${groupId}`);
  tell(tx, "update", group);
  return changed;
}

export async function deleteAddressGroup(tx: Transaction, requester: Requester, id: string): Promise<void> {
  const group = await lockOwned(tx, requester, id, "delete_address_group");
  if ((await listGroupsWithAddressGroup(tx.sql, id)).length > 0) throw addressGroupInUse(id);
  await Promise.all([deleteAddressGroupRow(tx.sql, id), dropSharing(tx.sql, id)]);
  tell(tx, "delete", group);
}

export const readAddressGroups = (
  sql: Queryable,
  requester: Requester,
  request: ListRequest,
): Promise<AddressGroup[]> => listAddressGroups(sql, requester, request);

export async function readAddressGroup(sql: Queryable, requester: Requester, id: string): Promise<AddressGroup> {
  const group = await findAddressGroup(sql, requester, id);
  if (group === null) throw addressGroupNotFound(id);
  return group;
}
