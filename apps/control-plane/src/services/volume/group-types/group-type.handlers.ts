/** Types of groups on the wire, with their specs. */
import { invalid, notFound } from "@andromede/base/errors";

import type { ApiRequest, Reply } from "../../../http/service.ts";
import { asksAsAdmin } from "../common/actor.ts";
import { pageLinks, readListRequest } from "../common/list-request.ts";
import { toBoolean } from "../common/wire.ts";
import { isPublicAsked } from "../types/is-public.ts";
import {
  GROUP_TYPE_SORTS,
  changeGroupSpecs,
  createGroupType,
  readGroupType,
  readGroupTypes,
  removeGroupType,
  updateGroupType,
} from "./change-group-types.ts";
import type { GroupType } from "./group-type.model.ts";
import type { CreateGroupTypeBody, GroupSpecBody, GroupSpecsBody, UpdateGroupTypeBody } from "./group-type.schema.ts";

const idOf = (request: Pick<ApiRequest, "params">): string => request.params["group_type_id"] ?? "";
const keyOf = (request: Pick<ApiRequest, "params">): string => request.params["key"] ?? "";

/** Specs are an operator's. */
const toView = (request: ApiRequest, type: GroupType): object => ({
  id: type.id,
  name: type.name,
  description: type.description,
  is_public: type.isPublic,
  ...(asksAsAdmin(request) ? { group_specs: type.groupSpecs } : {}),
});

export async function listTypes(request: ApiRequest): Promise<Reply> {
  const list = readListRequest(request, { sortKeys: GROUP_TYPE_SORTS });
  const types = await readGroupTypes(request, list, asksAsAdmin(request) ? isPublicAsked(request) : true);
  return {
    status: 200,
    body: {
      group_types: types.map((type) => toView(request, type)),
      ...pageLinks(request, "group_type_links", list, types),
    },
  };
}

export async function showType(request: ApiRequest): Promise<Reply> {
  if (idOf(request) === "default") throw notFound("Default group type can not be found.");
  return { status: 200, body: { group_type: toView(request, await readGroupType(request, idOf(request))) } };
}

const textsOnly = (specs: { [key: string]: string | null } | null | undefined): { [key: string]: string } =>
  Object.fromEntries(Object.entries(specs ?? {}).map(([key, value]) => [key, value ?? ""]));

export async function postType(request: ApiRequest<CreateGroupTypeBody>): Promise<Reply> {
  const { group_type: wanted } = request.body;
  const type = await createGroupType(request, {
    name: wanted.name.trim(),
    description: wanted.description ?? null,
    isPublic: wanted.is_public === undefined || toBoolean(wanted.is_public),
    groupSpecs: textsOnly(wanted.group_specs),
  });
  return { status: 202, body: { group_type: toView(request, type) } };
}

export async function putType(request: ApiRequest<UpdateGroupTypeBody>): Promise<Reply> {
  const { name, description, is_public: isPublic } = request.body.group_type;
  if (typeof name === "string" && name.trim() === "") throw invalid("Group type name can not be empty.");
  if ((name ?? null) === null && (description ?? null) === null && isPublic === undefined) {
    throw invalid("Specify group type name, description or a combination thereof.");
  }
  const type = await updateGroupType(request, idOf(request), {
    ...(typeof name === "string" ? { name: name.trim() } : {}),
    ...(typeof description === "string" ? { description } : {}),
    ...(isPublic === undefined ? {} : { isPublic: toBoolean(isPublic) }),
  });
  return { status: 200, body: { group_type: toView(request, type) } };
}

export async function deleteType(request: ApiRequest): Promise<Reply> {
  await removeGroupType(request, idOf(request));
  return { status: 202 };
}

export const listSpecs = async (request: ApiRequest): Promise<Reply> => ({
  status: 200,
  body: { group_specs: (await readGroupType(request, idOf(request))).groupSpecs },
});

const noSpec = (id: string, key: string) => notFound(`Group Type ${id} has no specs with key ${key}.`.slice(0, 600));

export async function showSpec(request: ApiRequest): Promise<Reply> {
  const { groupSpecs } = await readGroupType(request, idOf(request));
  const key = keyOf(request);
  if (!Object.hasOwn(groupSpecs, key)) throw noSpec(idOf(request), key);
  return { status: 200, body: { [key]: groupSpecs[key] } };
}

export async function postSpecs(request: ApiRequest<GroupSpecsBody>): Promise<Reply> {
  const added = textsOnly(request.body.group_specs);
  await changeGroupSpecs(request, idOf(request), (current) => ({ ...current, ...added }));
  return { status: 202, body: request.body };
}

export async function putSpec(request: ApiRequest<GroupSpecBody>): Promise<Reply> {
  if (!Object.hasOwn(request.body, keyOf(request))) throw invalid("Request body and URI mismatch");
  await changeGroupSpecs(request, idOf(request), (current) => ({ ...current, ...textsOnly(request.body) }));
  return { status: 200, body: request.body };
}

export async function deleteSpec(request: ApiRequest): Promise<Reply> {
  const key = keyOf(request);
  await changeGroupSpecs(request, idOf(request), (current) => {
    if (!Object.hasOwn(current, key)) throw noSpec(idOf(request), key);
    const { [key]: _removed, ...rest } = current;
    return rest;
  });
  return { status: 202 };
}
