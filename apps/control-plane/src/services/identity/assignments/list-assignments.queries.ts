import type { Queryable } from "@andromede/platform/db/database";

import type { AssignmentFilter, AssignmentRow } from "./assignment.model.ts";

/**
 * One query: assignments and every name; where asked ("effective") groups opened, what is inherited put where it
 * reaches, implications followed.
 */
export async function listAssignments(sql: Queryable, filter: AssignmentFilter): Promise<AssignmentRow[]> {
  const { userId, groupId, roleId } = filter;
  return sql<AssignmentRow[]>`
    with recursive asked as (${askedProjects(sql, filter)}),
    base as (
      select role_id, user_id, group_id, project_id, domain_id, inherited from role_assignment a where ${atScope(sql, filter)}
    ), ${filter.effective ? effective(sql) : plain(sql)}
    select json_build_object('id', r.id, 'name', r.name, 'domain',
        case when rd.id is not null then json_build_object('id', rd.id, 'name', rd.name) end) as role,
      h.assigned_role_id, h.inherited,
      case when h.source_project_id is not null then json_build_object('kind', 'project', 'id', h.source_project_id)
        when h.source_domain_id is not null then json_build_object('kind', 'domain', 'id', h.source_domain_id) end as source,
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
      ${filter.projectId === undefined ? sql`` : sql`and h.project_id in (select id from asked)`}
      ${filter.domainId === undefined ? sql`` : sql`and h.domain_id = ${filter.domainId}`}
      ${filter.inherited === undefined ? sql`` : sql`and h.inherited = ${filter.inherited}`}
      ${filter.effective ? sql`and r.domain_id is null` : sql``}
    order by h.project_id, h.domain_id, h.user_id, h.group_id, r.name, h.assigned_role_id, h.source_project_id, h.source_domain_id
    limit ${filter.limit + 1}`;
}

const plain = (sql: Queryable) => sql`held as (
  select role_id, role_id as assigned_role_id, user_id, group_id, project_id, domain_id, inherited,
    null::text collate "C" as source_project_id, null::text collate "C" as source_domain_id
  from base)`;

const effective = (sql: Queryable) => sql`
  -- every project that something was given on for those below, with each of those
  tree as (
    select p.parent_id as root, p.id from project p where p.parent_id in (select project_id from base where inherited)
    union all select tree.root, p.id from tree join project p on p.parent_id = tree.id
  ), reached as (
    select role_id, user_id, group_id, project_id, domain_id, false as inherited, null::text collate "C" as source_project_id, null::text collate "C" as source_domain_id
    from base where not inherited
    union all
    select b.role_id, b.user_id, b.group_id, p.id, null, true, null, b.domain_id
    from base b join project p on p.domain_id = b.domain_id where b.inherited
    union all
    select b.role_id, b.user_id, b.group_id, tree.id, null, true, b.project_id, null
    from base b join tree on tree.root = b.project_id where b.inherited
  ), held as (
    select b.role_id, b.role_id as assigned_role_id, coalesce(b.user_id, m.user_id) as user_id, b.group_id, b.project_id, b.domain_id,
      b.inherited, b.source_project_id, b.source_domain_id
    from reached b left join group_member m on m.group_id = b.group_id where coalesce(b.user_id, m.user_id) is not null
    union select i.implied_role_id, h.assigned_role_id, h.user_id, h.group_id, h.project_id, h.domain_id,
      h.inherited, h.source_project_id, h.source_domain_id
    from held h join role_implication i on i.prior_role_id = h.role_id)`;

/** The project asked about, and those below it where that was asked too. */
function askedProjects(sql: Queryable, { projectId, subtree }: AssignmentFilter) {
  if (projectId === undefined) return sql`select null::text collate "C" as id where false`;
  return subtree
    ? sql`select ${projectId}::text collate "C" as id union select p.id from project p join asked on p.parent_id = asked.id`
    : sql`select ${projectId}::text collate "C" as id`;
}

/** What may matter: whatever is inherited by a project is given in its domain. */
function atScope(sql: Queryable, filter: AssignmentFilter) {
  const { projectId, domainId, within } = filter;
  const home = sql`(select domain_id from project where id = ${projectId ?? ""})`;
  const project =
    projectId === undefined
      ? sql``
      : filter.effective
        ? sql`and (a.project_id in (select id from asked) or (a.inherited and (
            a.domain_id = ${home} or a.project_id in (select id from project where domain_id = ${home}))))`
        : sql`and a.project_id in (select id from asked)`;
  return sql`true ${project}
    ${domainId === undefined ? sql`` : sql`and a.domain_id = ${domainId}`}
    ${filter.system ? sql`and a.project_id is null and a.domain_id is null` : sql``}
    ${within === null ? sql`` : sql`and (a.domain_id = ${within} or a.project_id = any(array(select id from project where domain_id = ${within})))`}
    ${filter.effective || filter.userId === undefined ? sql`` : sql`and a.user_id = ${filter.userId}`}
    ${
      filter.effective && filter.userId !== undefined
        ? sql`and (a.user_id = ${filter.userId} or a.group_id = any(array(select group_id from group_member where user_id = ${filter.userId})))`
        : sql``
    }`;
}
