/** Wire -> use case -> view, for groups of volumes. */
import { invalid, notFound } from "@andromede/base/errors";

import type { ApiRequest, JsonSchema, Reply } from "../../../http/service.ts";
import { validate } from "../../../http/validation.ts";
import { checkAdmin } from "../common/actor.ts";
import { pageLinks, readFilters, readListRequest } from "../common/list-request.ts";
import { queryBoolean, toBoolean, trimmed } from "../common/wire.ts";
import type { ActionBody } from "../volumes/volume.schema.ts";
import { deleteGroup, getGroup, resetGroup, updateGroup } from "./change-groups.ts";
import { copyGroup, createGroup } from "./create-group.ts";
import { type Group, SETTABLE_GROUP_STATUSES } from "./group.model.ts";
import {
  type CopyGroupBody,
  type CreateGroupBody,
  GROUP_ACTIONS,
  type GroupAction,
  type UpdateGroupBody,
} from "./group.schema.ts";
import { toGroupDetail, toGroupSummary } from "./group.view.ts";
import { GROUP_SORTS, readGroups, readVolumesOf } from "./read-groups.ts";

const idOf = (request: Pick<ApiRequest, "params">): string => request.params["volume_group_id"] ?? "";

const readList = (request: ApiRequest) => readListRequest(request, { sortKeys: GROUP_SORTS });

async function list(request: ApiRequest, toViews: (groups: Group[]) => Promise<object[]>): Promise<Reply> {
  const asked = readList(request);
  const filters = readFilters(request, {
    enabled: ["name", "status", "list_volume"],
    known: ["name", "status", "list_volume", "availability_zone", "group_type_id", "project_id"],
    like: ["name"],
  });
  const groups = await readGroups(request, asked, filters);
  return {
    status: 200,
    body: { groups: await toViews(groups), ...pageLinks(request, "group_links", asked, groups) },
  };
}

export const listGroups = (request: ApiRequest): Promise<Reply> =>
  list(request, (groups) => Promise.resolve(groups.map(toGroupSummary)));

export const listGroupsDetail = (request: ApiRequest): Promise<Reply> =>
  list(request, (groups) => toDetails(request, groups));

async function toDetails(request: ApiRequest, groups: Group[]): Promise<object[]> {
  const isAsked = request.version >= 25 && queryBoolean(request, "list_volume");
  const volumes = isAsked ? await readVolumesOf(request, groups) : null;
  return groups.map((group) => toGroupDetail(request, group, volumes === null ? null : (volumes.get(group.id) ?? [])));
}

export async function showGroup(request: ApiRequest): Promise<Reply> {
  const [group] = await toDetails(request, [await getGroup(request, idOf(request))]);
  return { status: 200, body: { group } };
}

export async function postGroup(request: ApiRequest<CreateGroupBody>): Promise<Reply> {
  const { group } = request.body;
  const made = await createGroup(request, {
    name: trimmed(group.name) ?? null,
    description: trimmed(group.description) ?? null,
    groupType: group.group_type,
    volumeTypes: group.volume_types,
    zone: group.availability_zone ?? null,
  });
  return { status: 202, body: { group: toGroupSummary(made) } };
}

export async function postGroupCopy(request: ApiRequest<CopyGroupBody>): Promise<Reply> {
  const wanted = request.body["create-from-src"];
  const made = await copyGroup(request, {
    name: trimmed(wanted.name) ?? null,
    description: trimmed(wanted.description) ?? null,
    from:
      wanted.group_snapshot_id === undefined
        ? { groupId: wanted.source_group_id ?? "" }
        : { groupSnapshotId: wanted.group_snapshot_id },
  });
  return { status: 202, body: { group: toGroupSummary(made) } };
}

const idsIn = (text: string | null | undefined): string[] => [
  ...new Set(
    (text ?? "")
      .split(",")
      .map((id) => id.trim())
      .filter((id) => id !== ""),
  ),
];

export async function putGroup(request: ApiRequest<UpdateGroupBody>): Promise<Reply> {
  const { group } = request.body;
  const [name, description] = [trimmed(group.name), trimmed(group.description)];
  await updateGroup(request, idOf(request), {
    ...(typeof name === "string" ? { name } : {}),
    ...(typeof description === "string" ? { description } : {}),
    add: idsIn(group.add_volumes),
    remove: idsIn(group.remove_volumes),
  });
  return { status: 202 };
}

/** The settable status that a text names, whatever its letters' case. */
export function statusIn<T extends string>(value: unknown, settable: readonly T[]): T {
  const text = String(value);
  const status = settable.find((one) => one === text.toLowerCase());
  if (status === undefined) throw invalid(`Invalid status: '${text}'`.slice(0, 300), { field: "status" });
  return status;
}

/** The one member of an action's body, checked; 404 where the microversion has no such action, as in Cinder. */
export function actionIn<Name extends string>(
  request: ApiRequest<ActionBody>,
  actions: { readonly [name in Name]: { since: number; schema: JsonSchema } },
): { name: Name; fields: { [field: string]: unknown } } {
  const [name = ""] = Object.keys(request.body);
  if (!Object.hasOwn(actions, name)) throw invalid(`There is no such action: ${name}`.slice(0, 300));
  const { since, schema } = actions[name as Name];
  if (request.version < since) throw notFound("The resource could not be found.");
  validate(schema, request.body[name]);
  return { name: name as Name, fields: request.body[name] as { [field: string]: unknown } };
}

export async function actOnGroup(request: ApiRequest<ActionBody>): Promise<Reply> {
  const { name, fields } = actionIn<GroupAction>(request, GROUP_ACTIONS);
  const id = idOf(request);
  switch (name) {
    case "delete":
      await deleteGroup(request, id, toBoolean(fields["delete-volumes"] as boolean | string | undefined));
      return { status: 202 };
    case "reset_status":
      checkAdmin(request, "group:reset_status");
      await resetGroup(request, id, statusIn(fields["status"], SETTABLE_GROUP_STATUSES));
      return { status: 202 };
    case "enable_replication":
    case "disable_replication":
    case "failover_replication":
    case "list_replication_targets":
      await getGroup(request, id);
      throw invalid(`Invalid group type: Group ${id} is not a replication group type.`.slice(0, 400));
  }
}
