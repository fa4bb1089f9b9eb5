/** Server groups: made, read, deleted. What they mean is decided where servers are placed (placement/). */
import { forbidden, invalid, notFound } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";

import { transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { asksAsAdmin, projectOf, scopeOf } from "../common/actor.ts";
import { readWindow, refuseUnknownParameters } from "../common/query.ts";
import { lockUsage } from "../quotas/project.queries.ts";
import { quotaOf } from "../quotas/quota.model.ts";
import type { GroupPolicy, ServerGroupWithMembers } from "./server-group.model.ts";
import {
  countServerGroups,
  deleteServerGroup,
  findServerGroup,
  insertServerGroup,
  listServerGroups,
} from "./server-group.queries.ts";

const unknown = (id: string): Error => notFound(`Instance group ${id} could not be found.`);

export async function createServerGroup(
  request: ApiRequest,
  wanted: { name: string; policy: GroupPolicy; maxServerPerHost: number | null },
): Promise<ServerGroupWithMembers> {
  const projectId = projectOf(request);
  if (wanted.maxServerPerHost !== null && wanted.policy !== "anti-affinity") {
    throw invalid("Only anti-affinity policy supports rules.");
  }
  const group = {
    id: newUuid(),
    projectId,
    userId: request.actor.userId,
    ...wanted,
    createdAt: new Date(request.app.clock.now()),
  };
  return transact(request.app, request.origin, async (tx) => {
    const usage = await lockUsage(tx.sql, projectId);
    const limit = quotaOf(usage.quota).server_groups;
    if (limit >= 0 && (await countServerGroups(tx.sql, projectId)) >= limit) {
      throw forbidden("Quota exceeded, too many server groups.");
    }
    await insertServerGroup(tx.sql, group);
    tx.event({
      action: "compute.server_group.create",
      target: { type: "server_group", id: group.id, projectId },
      detail: { name: group.name, policy: group.policy },
    });
    return { ...group, number: 0, members: [] };
  });
}

export async function readServerGroup(request: ApiRequest, id: string): Promise<ServerGroupWithMembers> {
  const group = await findServerGroup(request.app.db, id, scopeOf(request));
  if (group === null) throw unknown(id);
  return group;
}

/** `all_projects` is an operator's word; a customer who says it sees their own all the same. */
export async function readServerGroups(request: ApiRequest): Promise<ServerGroupWithMembers[]> {
  refuseUnknownParameters(request, ["all_projects", "limit", "offset"]);
  const window = readWindow(request.query);
  const all = request.query.has("all_projects") && asksAsAdmin(request);
  return listServerGroups(request.app.db, all ? null : projectOf(request), window);
}

export async function removeServerGroup(request: ApiRequest, id: string): Promise<void> {
  await transact(request.app, request.origin, async (tx) => {
    const projectId = await deleteServerGroup(tx.sql, id, scopeOf(request));
    if (projectId === null) throw unknown(id);
    tx.event({ action: "compute.server_group.delete", target: { type: "server_group", id, projectId } });
  });
}
