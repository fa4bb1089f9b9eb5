/** What operators do to types of groups: make, change, remove. */
import { conflict, invalid, notFound } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";

import { type Transaction, transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { asksAsAdmin } from "../common/actor.ts";
import type { ListRequest } from "../common/list-request.ts";
import type { GroupType } from "./group-type.model.ts";
import {
  GROUP_TYPE_SORT_KEYS,
  deleteGroupType,
  findGroupType,
  insertGroupType,
  isGroupTypeUsed,
  listGroupTypes,
  lockGroupType,
  setGroupSpecs,
  setGroupTypeFacts,
} from "./group-type.queries.ts";

export const GROUP_TYPE_SORTS = GROUP_TYPE_SORT_KEYS;
const noGroupType = (id: string) => notFound(`Group type ${id} could not be found.`.slice(0, 400));
const target = ({ id }: Pick<GroupType, "id">) => ({ type: "volume_group_type", id });

/** Customers know of public ones only. */
export async function readGroupType(request: ApiRequest, id: string): Promise<GroupType> {
  const type = await findGroupType(request.app.db, id, { onlyPublic: !asksAsAdmin(request) });
  if (type === null) throw noGroupType(id);
  return type;
}

export const readGroupTypes = (
  request: ApiRequest,
  list: ListRequest,
  isPublic: boolean | undefined,
): Promise<GroupType[]> => listGroupTypes(request.app.db, list, isPublic);

export async function createGroupType(
  request: ApiRequest,
  wanted: Pick<GroupType, "name" | "description" | "isPublic" | "groupSpecs">,
): Promise<GroupType> {
  const { app } = request;
  return transact(app, request.origin, async (tx) => {
    const type = { ...wanted, id: newUuid(), createdAt: new Date(app.clock.now()), updatedAt: null };
    if (!(await insertGroupType(tx.sql, type))) throw conflict(`Group Type ${wanted.name} already exists.`);
    tx.event({ action: "volume.group_type.create", target: target(type), detail: { name: wanted.name } });
    return type;
  });
}

function change<T>(
  request: ApiRequest,
  id: string,
  work: (tx: Transaction, type: GroupType, at: Date) => Promise<T>,
): Promise<T> {
  const { app } = request;
  return transact(app, request.origin, async (tx) => {
    const type = await lockGroupType(tx.sql, id);
    if (type === null) throw noGroupType(id);
    return work(tx, type, new Date(app.clock.now()));
  });
}

export const updateGroupType = (
  request: ApiRequest,
  id: string,
  wanted: Partial<Pick<GroupType, "name" | "description" | "isPublic">>,
): Promise<GroupType> =>
  change(request, id, async (tx, type, at) => {
    const { name = type.name, description = type.description, isPublic = type.isPublic } = wanted;
    await setGroupTypeFacts(tx.sql, id, { name, description, isPublic }, at);
    tx.event({ action: "volume.group_type.update", target: target(type), detail: { name, description, isPublic } });
    return { ...type, name, description, isPublic, updatedAt: at };
  });

type Specs = GroupType["groupSpecs"];

export const changeGroupSpecs = (request: ApiRequest, id: string, how: (current: Specs) => Specs): Promise<void> =>
  change(request, id, async (tx, type, at) => {
    const specs = how(type.groupSpecs);
    if (Object.keys(specs).length > 200) throw invalid("A type may have at most 200 group specs");
    await setGroupSpecs(tx.sql, id, specs, at);
    tx.event({ action: "volume.group_type.update", target: target(type), detail: { group_specs: Object.keys(specs) } });
  });

export const removeGroupType = (request: ApiRequest, id: string): Promise<void> =>
  change(request, id, async (tx, type) => {
    if (await isGroupTypeUsed(tx.sql, id)) throw invalid("Target group type is still in use.");
    await deleteGroupType(tx.sql, id);
    tx.event({ action: "volume.group_type.delete", target: target(type), detail: { name: type.name } });
  });
