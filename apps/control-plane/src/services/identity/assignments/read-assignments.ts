import { invalid } from "@andromede/base/errors";

import type { ApiRequest } from "../../../http/service.ts";
import { requireDomainScope } from "../shared/authority.ts";
import { isFlagSet } from "../shared/list-filter.ts";
import type { AssignmentRow } from "./assignment.model.ts";
import { listAssignments } from "./list-assignments.queries.ts";

const LIMIT = 10_000;

export type Assignments = { rows: AssignmentRow[]; truncated: boolean; names: boolean };

export async function readAssignments(request: ApiRequest): Promise<Assignments> {
  const within = requireDomainScope(request, "reader", "list_role_assignments");
  const { query } = request;
  const effective = isFlagSet(query, "effective");
  const filter = {
    userId: query.get("user.id"),
    groupId: query.get("group.id"),
    roleId: query.get("role.id"),
    projectId: query.get("scope.project.id"),
    domainId: query.get("scope.domain.id"),
    system: query.has("scope.system") && query.get("scope.system") === "all",
    subtree: isFlagSet(query, "include_subtree"),
    effective,
    inherited: query.has("scope.OS-INHERIT:inherited_to")
      ? query.get("scope.OS-INHERIT:inherited_to") === "projects"
      : undefined,
    within,
    limit: LIMIT,
  };
  if (filter.userId !== undefined && filter.groupId !== undefined) throw invalid("Specify a user or group, not both");
  if ([filter.projectId, filter.domainId].filter((id) => id !== undefined).length + (filter.system ? 1 : 0) > 1) {
    throw invalid("Specify a domain or project, not both");
  }
  if (effective && filter.groupId !== undefined)
    throw invalid("Combining effective and group filter will always result in an empty list.");
  if (filter.subtree && filter.projectId === undefined)
    throw invalid("scope.project.id must be specified if include_subtree is also specified");
  if (effective && filter.inherited === true && filter.domainId !== undefined)
    throw invalid("Combining effective, domain and inherited filters will always result in an empty list.");
  const rows = await listAssignments(request.app.db, filter);
  return { rows: rows.slice(0, LIMIT), truncated: rows.length > LIMIT, names: isFlagSet(query, "include_names") };
}
