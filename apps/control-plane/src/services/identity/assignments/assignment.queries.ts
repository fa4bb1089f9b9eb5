import type { Queryable } from "@andromede/platform/db/database";

import type { Role } from "../roles/role.model.ts";
import type { Holder, Target } from "./assignment.model.ts";

/** The columns that say who and where. */
const keyOf = (holder: Holder, target: Target) => ({
  userId: holder.kind === "user" ? holder.id : null,
  groupId: holder.kind === "group" ? holder.id : null,
  projectId: target.kind === "project" ? target.id : null,
  domainId: target.kind === "domain" ? target.id : null,
  inherited: isInherited(target),
});

const isInherited = (target: Target): boolean => target.kind !== "system" && target.inherited === true;

function matches(sql: Queryable, holder: Holder, target: Target) {
  const byHolder = holder.kind === "user" ? sql`user_id = ${holder.id}` : sql`group_id = ${holder.id}`;
  switch (target.kind) {
    case "project":
      return sql`${byHolder} and project_id = ${target.id} and inherited = ${isInherited(target)}`;
    case "domain":
      return sql`${byHolder} and domain_id = ${target.id} and inherited = ${isInherited(target)}`;
    case "system":
      return sql`${byHolder} and project_id is null and domain_id is null`;
  }
}

/** The domains of holder and target; undefined where there is no such thing. */
export type Parties = { holderDomainId: string | null; targetDomainId: string | null };

/** Both looked up at once, and kept from vanishing until the transaction ends. */
export async function findParties(sql: Queryable, holder: Holder, target: Target): Promise<Parties> {
  const [holders, targets] = await Promise.all([
    holder.kind === "user"
      ? sql<{ domainId: string }[]>`select domain_id from user_account where id = ${holder.id} for key share`
      : sql<{ domainId: string }[]>`select domain_id from user_group where id = ${holder.id} for key share`,
    target.kind === "project"
      ? sql<{ domainId: string }[]>`select domain_id from project where id = ${target.id} for key share`
      : target.kind === "domain"
        ? sql<{ domainId: string }[]>`select id as domain_id from domain where id = ${target.id} for key share`
        : [],
  ]);
  return { holderDomainId: holders[0]?.domainId ?? null, targetDomainId: targets[0]?.domainId ?? null };
}

/** False: it was there already. */
export async function insertAssignment(
  sql: Queryable,
  holder: Holder,
  target: Target,
  roleId: string,
): Promise<boolean> {
  const key = keyOf(holder, target);
  const rows = await sql`
    insert into role_assignment (user_id, group_id, project_id, domain_id, inherited, role_id)
    values (${key.userId}, ${key.groupId}, ${key.projectId}, ${key.domainId}, ${key.inherited}, ${roleId})
    on conflict do nothing returning 1`;
  return rows.length > 0;
}

/** Was there one to remove? */
export async function deleteAssignment(
  sql: Queryable,
  holder: Holder,
  target: Target,
  roleId: string,
): Promise<boolean> {
  const rows =
    await sql`delete from role_assignment where ${matches(sql, holder, target)} and role_id = ${roleId} returning 1`;
  return rows.length > 0;
}

/** Roles given directly, as the grant API shows them. */
export async function listGrantedRoles(sql: Queryable, holder: Holder, target: Target): Promise<Role[]> {
  return sql<Role[]>`
    select id, name, domain_id, description, immutable, extra from role
    where id in (select role_id from role_assignment where ${matches(sql, holder, target)})
    order by name, id`;
}

type Place = { projectId: string | null; domainId: string | null; inherited: boolean; projectDomainId: string | null };
/** A place, and the domain it is in if it is a project. */
export type HeldPlace = { target: Target; domainId: string | null };

/** Everywhere the group has some role. */
export async function listScopesOfGroup(sql: Queryable, groupId: string): Promise<HeldPlace[]> {
  const rows = await sql<Place[]>`
    select distinct a.project_id, a.domain_id, a.inherited, p.domain_id as project_domain_id
    from role_assignment a left join project p on p.id = a.project_id where a.group_id = ${groupId}`;
  return rows.map(toHeldPlace);
}

/** Who has the role, or one that implies it, where; groups opened. */
export async function listHoldersOfRole(sql: Queryable, roleId: string): Promise<(HeldPlace & { userId: string })[]> {
  const rows = await sql<(Place & { userId: string })[]>`
    with recursive bearing as (
      select id as role_id from role where id = ${roleId}
      union select i.prior_role_id from role_implication i join bearing b on i.implied_role_id = b.role_id
    )
    select distinct coalesce(a.user_id, m.user_id) as user_id, a.project_id, a.domain_id, a.inherited, p.domain_id as project_domain_id
    from role_assignment a left join group_member m on m.group_id = a.group_id left join project p on p.id = a.project_id
    where a.role_id in (select role_id from bearing) and coalesce(a.user_id, m.user_id) is not null`;
  return rows.map((row) => ({ userId: row.userId, ...toHeldPlace(row) }));
}

function toHeldPlace({ projectId, domainId, inherited, projectDomainId }: Place): HeldPlace {
  if (projectId !== null) return { target: { kind: "project", id: projectId, inherited }, domainId: projectDomainId };
  if (domainId !== null) return { target: { kind: "domain", id: domainId, inherited }, domainId };
  return { target: { kind: "system" }, domainId: null };
}
