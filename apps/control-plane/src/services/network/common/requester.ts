import { forbidden, invalid } from "@andromede/base/errors";

import { isAdmin } from "../../../http/policy.ts";
import type { ApiRequest } from "../../../http/service.ts";

/** Who a use case works for. */
export type Requester = { projectId: string; admin: boolean };

/** An unscoped token owns nothing: its project is one that no row has. */
export const requesterOf = (request: Pick<ApiRequest, "actor" | "plane">): Requester => ({
  projectId: request.actor.projectId ?? "-",
  admin: isAdmin(request.actor, request.plane),
});

/** Whose a new resource will be: `project_id` or `tenant_id`, which only an operator may set to another's. */
export function ownerOf(
  requester: Requester,
  wire: { project_id?: string | undefined; tenant_id?: string | undefined },
): string {
  const { project_id: projectId, tenant_id: tenantId } = wire;
  if (projectId !== undefined && tenantId !== undefined && projectId !== tenantId) {
    throw invalid("'project_id' and 'tenant_id' do not match");
  }
  const named = projectId ?? tenantId;
  if (named === undefined || named === requester.projectId) {
    if (requester.projectId === "-") throw invalid("The token has no project: tenant_id must be specified");
    return requester.projectId;
  }
  if (!requester.admin) {
    throw invalid(
      "Specifying 'project_id' or 'tenant_id' other than the authenticated project in request requires admin privileges",
    );
  }
  return named;
}

/** Refuses attributes that only operators may set, as Neutron's policy does. */
export function requireAdminFor(
  requester: Requester,
  action: string,
  wire: { readonly [name: string]: unknown },
  attributes: readonly string[],
): void {
  if (requester.admin) return;
  const found = attributes.find((name) => wire[name] !== undefined);
  if (found === undefined) return;
  throw forbidden(`(rule:${action} and rule:${action}:${found}) is disallowed by policy`, {
    type: "PolicyNotAuthorized",
  });
}
