import { type ApiRequest, type Reply, noContent, ok } from "../../../http/service.ts";
import { toRoleView } from "../roles/role.view.ts";
import { requireDomainScope } from "../shared/authority.ts";
import { listLinks } from "../shared/identity-links.ts";
import type { Holder, Target } from "./assignment.model.ts";
import { toAssignmentView } from "./assignment.view.ts";
import { assertAssigned, assignRole, readGrantedRoles, unassignRole } from "./change-assignments.ts";
import { readAssignments } from "./read-assignments.ts";

type Asked = Pick<ApiRequest, "params">;
const roleIdOf = (request: Asked): string => request.params["role_id"] ?? "";

function holderOf({ params }: Asked): Holder {
  const userId = params["user_id"];
  return userId === undefined ? { kind: "group", id: params["group_id"] ?? "" } : { kind: "user", id: userId };
}

function targetOf({ params }: Asked, inherited: boolean): Target {
  const projectId = params["project_id"];
  if (projectId !== undefined) return { kind: "project", id: projectId, inherited };
  const domainId = params["domain_id"];
  return domainId === undefined ? { kind: "system" } : { kind: "domain", id: domainId, inherited };
}

/** The routes of the place itself, or those of what projects below it inherit. */
export function grantHandlers(inherited: boolean) {
  const placeOf = (request: Asked): Target => targetOf(request, inherited);
  return {
    handleAssignRole: async (request: ApiRequest): Promise<Reply> => {
      const scope = requireDomainScope(request, "manager", "create_grant");
      await assignRole(request.app, request.origin, scope, holderOf(request), placeOf(request), roleIdOf(request));
      return noContent();
    },
    handleUnassignRole: async (request: ApiRequest): Promise<Reply> => {
      const scope = requireDomainScope(request, "manager", "revoke_grant");
      await unassignRole(request.app, request.origin, scope, holderOf(request), placeOf(request), roleIdOf(request));
      return noContent();
    },
    handleCheckAssignment: async (request: ApiRequest): Promise<Reply> => {
      const scope = requireDomainScope(request, "reader", "check_grant");
      await assertAssigned(request.app.db, scope, holderOf(request), placeOf(request), roleIdOf(request));
      return noContent();
    },
    handleListGranted: async (request: ApiRequest): Promise<Reply> => {
      const scope = requireDomainScope(request, "reader", "list_grants");
      const roles = await readGrantedRoles(request.app.db, scope, holderOf(request), placeOf(request));
      return ok({ roles: roles.map((role) => toRoleView(role, request.baseUrl)), links: listLinks(request) });
    },
  };
}

export async function handleListAssignments(request: ApiRequest): Promise<Reply> {
  const found = await readAssignments(request);
  return ok({
    role_assignments: found.rows.map((row) => toAssignmentView(row, { baseUrl: request.baseUrl, names: found.names })),
    links: listLinks(request),
    ...(found.truncated ? { truncated: true } : {}),
  });
}
