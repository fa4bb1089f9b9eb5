import type { NamedRef } from "@andromede/platform/tokens/token.model";

import { identityUrl } from "../shared/identity-links.ts";
import type { AssignmentRow } from "./assignment.model.ts";

type Owned = NamedRef & { domain: NamedRef };

const owned = (thing: Owned, names: boolean) =>
  names
    ? { id: thing.id, name: thing.name, domain: { id: thing.domain.id, name: thing.domain.name } }
    : { id: thing.id };
const named = (thing: NamedRef, names: boolean) => (names ? { id: thing.id, name: thing.name } : { id: thing.id });

function scopeView(row: AssignmentRow, names: boolean) {
  const inherited = row.inherited ? { "OS-INHERIT:inherited_to": "projects" } : {};
  if (row.project !== null) return { project: owned(row.project, names), ...inherited };
  if (row.domain !== null) return { domain: named(row.domain, names), ...inherited };
  return { system: { all: true } };
}

const scopePath = (row: AssignmentRow): string =>
  row.source !== null
    ? `${row.source.kind}s/${row.source.id}`
    : row.project !== null
      ? `projects/${row.project.id}`
      : row.domain !== null
        ? `domains/${row.domain.id}`
        : "system";

/** A user who has the role as a member of a group is shown as the user, with links to both. */
function linksOf(row: AssignmentRow, baseUrl: string) {
  const holder = row.group === null ? `users/${row.user?.id ?? ""}` : `groups/${row.group.id}`;
  const path = `${scopePath(row)}/${holder}/roles/${row.assignedRoleId}`;
  return {
    assignment: identityUrl(baseUrl, row.inherited ? `OS-INHERIT/${path}/inherited_to_projects` : path),
    ...(row.group !== null && row.user !== null
      ? { membership: identityUrl(baseUrl, `groups/${row.group.id}/users/${row.user.id}`) }
      : {}),
    ...(row.assignedRoleId === row.role.id
      ? {}
      : { prior_role: identityUrl(baseUrl, `roles/${row.assignedRoleId}/implies/${row.role.id}`) }),
  };
}

export function toAssignmentView(row: AssignmentRow, options: { baseUrl: string; names: boolean }) {
  const { baseUrl, names } = options;
  const { domain } = row.role;
  const holder =
    row.user !== null ? { user: owned(row.user, names) } : row.group !== null ? { group: owned(row.group, names) } : {};
  return {
    role: {
      ...named(row.role, names),
      ...(names && domain !== null ? { domain: { id: domain.id, name: domain.name } } : {}),
    },
    ...holder,
    scope: scopeView(row, names),
    links: linksOf(row, baseUrl),
  };
}
