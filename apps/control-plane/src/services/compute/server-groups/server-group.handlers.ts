import { type ApiRequest, type Reply, noContent, ok } from "../../../http/service.ts";
import { toInteger } from "../common/wire.ts";
import { createServerGroup, readServerGroup, readServerGroups, removeServerGroup } from "./change-server-groups.ts";
import type { CreateServerGroupBody } from "./server-group.schema.ts";
import { toServerGroupView } from "./server-group.view.ts";

const idOf = (request: Pick<ApiRequest, "params">): string => request.params["server_group_id"] ?? "";

export async function postServerGroup(request: ApiRequest<CreateServerGroupBody>): Promise<Reply> {
  const { name, policies, policy, rules } = request.body.server_group;
  const max = rules?.max_server_per_host;
  const group = await createServerGroup(request, {
    name,
    policy: policy ?? policies?.[0] ?? "affinity",
    maxServerPerHost: max === undefined ? null : toInteger(max, "max_server_per_host", 1),
  });
  return ok({ server_group: toServerGroupView(group, request.version) });
}

export const listServerGroupsHandler = async (request: ApiRequest): Promise<Reply> =>
  ok({ server_groups: (await readServerGroups(request)).map((group) => toServerGroupView(group, request.version)) });

export const showServerGroup = async (request: ApiRequest): Promise<Reply> =>
  ok({ server_group: toServerGroupView(await readServerGroup(request, idOf(request)), request.version) });

export async function deleteServerGroupHandler(request: ApiRequest): Promise<Reply> {
  await removeServerGroup(request, idOf(request));
  return noContent();
}
