import { type ApiRequest, type Reply, noContent, ok } from "../../../http/service.ts";
import { createMany } from "../common/create-many.ts";
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
  const list = readListRequest(request.query, securityGroupAttributes(requesterOf(request)));
  // "first use in any call, list included"; an operator who lists a project's groups makes its default too, as Neutron does for the caller
  if (request.actor.projectId !== null)
    await ensureDefaultGroupSeen(request.app, request.origin, request.actor.projectId);
  const groups = await readSecurityGroups(request.app.db, requesterOf(request), list);
  return listReply(
    request,
    list,
    "security_groups",
    groups.map((group) => toSecurityGroupView(group, requesterOf(request))),
  );
}

export async function showSecurityGroup(request: ApiRequest): Promise<Reply> {
  const group = await readSecurityGroup(request.app.db, requesterOf(request), request.params["id"] ?? "");
  return ok({
    security_group: pickFields(toSecurityGroupView(group, requesterOf(request)), request.query.all("fields")),
  });
}

export async function createSecurityGroupHandler(
  request: ApiRequest<{ [key: string]: Wire | Wire[] }>,
): Promise<Reply> {
  const requester = requesterOf(request);
  return createMany(request, "security_group", "security_groups", {
    read: (wire: Wire) => ({
      projectId: ownerOf(requester, wire),
      name: wire.name ?? "",
      description: wire.description ?? "",
      stateful: toBoolean(wire.stateful ?? true),
    }),
    create: (tx, group) => createSecurityGroup(tx, group),
    view: (group) => toSecurityGroupView(group, requester),
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
  return ok({ security_group: toSecurityGroupView(group, requesterOf(request)) });
}

export async function deleteSecurityGroupHandler(request: ApiRequest): Promise<Reply> {
  await mutate(request, (tx) => deleteSecurityGroup(tx, requesterOf(request), request.params["id"] ?? ""));
  return noContent();
}
