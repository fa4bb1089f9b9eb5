import { type ApiRequest, type Reply, created, noContent, ok } from "../../../http/service.ts";
import { listReply } from "../common/list-reply.ts";
import { readListRequest } from "../common/list-request.ts";
import { mutate } from "../common/mutate.ts";
import { ownerOf, requesterOf } from "../common/requester.ts";
import { type WireBoolean, pickFields, toBoolean } from "../common/wire.ts";
import { createSecurityGroup, deleteSecurityGroup, updateSecurityGroup } from "./change-security-group.ts";
import { ensureDefaultGroupSeen } from "./default-group.ts";
import { readSecurityGroup, readSecurityGroups } from "./read-security-groups.ts";
import { securityGroupAttributes } from "./security-group.schema.ts";
import { toSecurityGroupView } from "./security-group.view.ts";

type Wire = { name?: string; description?: string; stateful?: WireBoolean; project_id?: string; tenant_id?: string };

export async function listSecurityGroups(request: ApiRequest): Promise<Reply> {
  const list = readListRequest(request.query, securityGroupAttributes);
  // "first use in any call, list included"; an operator who lists a project's groups makes its default too, as Neutron does for the caller
  if (request.actor.projectId !== null)
    await ensureDefaultGroupSeen(request.app, request.origin, request.actor.projectId);
  const groups = await readSecurityGroups(request.app.db, requesterOf(request), list);
  return listReply(request, list, "security_groups", groups.map(toSecurityGroupView));
}

export async function showSecurityGroup(request: ApiRequest): Promise<Reply> {
  const group = await readSecurityGroup(request.app.db, requesterOf(request), request.params["id"] ?? "");
  return ok({ security_group: pickFields(toSecurityGroupView(group), request.query.all("fields")) });
}

export async function createSecurityGroupHandler(request: ApiRequest<{ security_group: Wire }>): Promise<Reply> {
  const wire = request.body.security_group;
  const group = {
    projectId: ownerOf(requesterOf(request), wire),
    name: wire.name ?? "",
    description: wire.description ?? "",
    stateful: toBoolean(wire.stateful ?? true),
  };
  return created({
    security_group: toSecurityGroupView(await mutate(request, (tx) => createSecurityGroup(tx, group))),
  });
}

export async function updateSecurityGroupHandler(request: ApiRequest<{ security_group: Wire }>): Promise<Reply> {
  const { name, description, stateful } = request.body.security_group;
  const change = {
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    ...(stateful === undefined ? {} : { stateful: toBoolean(stateful) }),
  };
  const group = await mutate(request, (tx) =>
    updateSecurityGroup(tx, requesterOf(request), request.params["id"] ?? "", change),
  );
  return ok({ security_group: toSecurityGroupView(group) });
}

export async function deleteSecurityGroupHandler(request: ApiRequest): Promise<Reply> {
  await mutate(request, (tx) => deleteSecurityGroup(tx, requesterOf(request), request.params["id"] ?? ""));
  return noContent();
}
