import type { Queryable } from "../../../db/database.ts";
import type { Role } from "../roles/role.model.ts";
import type { AssignmentFilter, AssignmentRow, Holder, Target } from "./assignment.model.ts";

/** The columns that say who and where. */
const keyOf = (holder: Holder, target: Target) => ({
  userId: holder.kind === "user" ? holder.id : null,
  groupId: holder.kind === "group" ? holder.id : null,
  projectId: target.kind === "project" ? target.id : null,
  domainId: target.kind === "domain" ? target.id : null,
});

function matches(sql: Queryable, holder: Holder, target: Target) {
  const byHolder = holder.kind === "user" ? sql`user_id = ${holder.id}` : sql`group_id = ${holder.id}`;
  switch (target.kind) {
    case "project":
      return sql`${byHolder} and project_id = ${target.id}`;
    case "domain":
      return sql`${byHolder} and domain_id = ${target.id}`;
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
    insert into role_assignment (user_id, group_id, project_id, domain_id, role_id)
    values (${key.userId}, ${key.groupId}, ${key.projectId}, ${key.domainId}, ${roleId})
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

/** Everywhere the group has some role. */
export async function listScopesOfGroup(sql: Queryable, groupId: string): Promise<Target[]> {
  const rows = await sql<{ projectId: string | null; domainId: string | null }[]>`
    select distinct project_id, domain_id from role_assignment where group_id = ${groupId}`;
  return rows.map(toTarget);
}

/** Who has the role, or one that implies it, where; groups opened. */
export async function listHoldersOfRole(sql: Queryable, roleId: string): Promise<{ userId: string; target: Target }[]> {
  const rows = await sql<{ userId: string; projectId: string | null; domainId: string | null }[]>`
    with recursive bearing as (
      select id as role_id from role where id = ${roleId}
      union select i.prior_role_id from role_implication i join bearing b on i.implied_role_id = b.role_id
    )
    select distinct coalesce(a.user_id, m.user_id) as user_id, a.project_id, a.domain_id
    from role_assignment a left join group_member m on m.group_id = a.group_id
    where a.role_id in (select role_id from bearing) and coalesce(a.user_id, m.user_id) is not null`;
  return rows.map(({ userId, ...place }) => ({ userId, target: toTarget(place) }));
}

function toTarget(row: { projectId: string | null; domainId: string | null }): Target {
  if (row.projectId !== null) return { kind: "project", id: row.projectId };
  return row.domainId === null ? { kind: "system" } : { kind: "domain", id: row.domainId };
}

/** One query: assignments, groups opened and implications followed where asked, and every name. */
export async function listAssignments(sql: Queryable, filter: AssignmentFilter): Promise<AssignmentRow[]> {
  const { userId, groupId, roleId } = filter;
  return sql<AssignmentRow[]>`
    with recursive base as (
      select role_id, user_id, group_id, project_id, domain_id from role_assignment a where ${atScope(sql, filter)}
    ), held as (
      ${
        filter.effective
          ? sql`
            select b.role_id, b.role_id as assigned_role_id, coalesce(b.user_id, m.user_id) as user_id, b.group_id, b.project_id, b.domain_id
            from base b left join group_member m on m.group_id = b.group_id where coalesce(b.user_id, m.user_id) is not null
            union select i.implied_role_id, h.assigned_role_id, h.user_id, h.group_id, h.project_id, h.domain_id
            from held h join role_implication i on i.prior_role_id = h.role_id`
          : sql`select role_id, role_id as assigned_role_id, user_id, group_id, project_id, domain_id from base`
      })
    select json_build_object('id', r.id, 'name', r.name, 'domain',
        case when rd.id is not null then json_build_object('id', rd.id, 'name', rd.name) end) as role,
      h.assigned_role_id,
      case when u.id is not null then json_build_object('id', u.id, 'name', u.name,
        'domain', json_build_object('id', ud.id, 'name', ud.name)) end as "user",
      case when g.id is not null then json_build_object('id', g.id, 'name', g.name,
        'domain', json_build_object('id', gd.id, 'name', gd.name)) end as "group",
      case when p.id is not null then json_build_object('id', p.id, 'name', p.name,
        'domain', json_build_object('id', pd.id, 'name', pd.name)) end as project,
      case when d.id is not null then json_build_object('id', d.id, 'name', d.name) end as domain
    from held h join role r on r.id = h.role_id left join domain rd on rd.id = r.domain_id
      left join user_account u on u.id = h.user_id left join domain ud on ud.id = u.domain_id
      left join user_group g on g.id = h.group_id left join domain gd on gd.id = g.domain_id
      left join project p on p.id = h.project_id left join domain pd on pd.id = p.domain_id
      left join domain d on d.id = h.domain_id
    where true
      ${userId === undefined ? sql`` : sql`and h.user_id = ${userId}`}
      ${groupId === undefined ? sql`` : sql`and h.group_id = ${groupId}`}
      ${roleId === undefined ? sql`` : sql`and h.role_id = ${roleId}`}
      ${filter.effective ? sql`and r.domain_id is null` : sql``}
    order by h.project_id, h.domain_id, h.user_id, h.group_id, r.name, h.assigned_role_id
    limit ${filter.limit + 1}`;
}

function atScope(sql: Queryable, filter: AssignmentFilter) {
  const { projectId, domainId, within } = filter;
  const project =
    projectId === undefined
      ? sql``
      : filter.subtree
        ? sql`and a.project_id in (with recursive tree as (select ${projectId}::text collate "C" as id
            union select p.id from project p join tree on p.parent_id = tree.id) select id from tree)`
        : sql`and a.project_id = ${projectId}`;
  return sql`true ${project}
    ${domainId === undefined ? sql`` : sql`and a.domain_id = ${domainId}`}
    ${filter.system ? sql`and a.project_id is null and a.domain_id is null` : sql``}
    ${within === null ? sql`` : sql`and (a.domain_id = ${within} or a.project_id in (select id from project where domain_id = ${within}))`}
    ${filter.effective || filter.userId === undefined ? sql`` : sql`and a.user_id = ${filter.userId}`}`;
}
