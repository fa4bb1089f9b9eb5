import type { Queryable } from "@andromede/platform/db/database";

import type { ListFilter } from "../shared/list-filter.ts";
import { listConditions } from "../shared/list.queries.ts";
import type { Project } from "./project.model.ts";

const columns = (sql: Queryable) => sql`id, domain_id, parent_id, name, description, enabled, tags, immutable, extra`;

export async function findProject(sql: Queryable, id: string): Promise<Project | null> {
  const [row] = await sql<Project[]>`select ${columns(sql)} from project where id = ${id}`;
  return row ?? null;
}

export async function findProjectByName(sql: Queryable, domainId: string, name: string): Promise<Project | null> {
  const [row] = await sql<
    Project[]
  >`select ${columns(sql)} from project where domain_id = ${domainId} and name = ${name}`;
  return row ?? null;
}

/** Holds the row until the transaction ends; one outside the given domain (null: any) is not there. */
export async function lockProject(sql: Queryable, id: string, domainId: string | null): Promise<Project | null> {
  const [row] = await sql<Project[]>`select ${columns(sql)} from project where id = ${id} for update`;
  return row === undefined || (domainId !== null && row.domainId !== domainId) ? null : row;
}

export type ProjectFilter = ListFilter & {
  domainId: string | null;
  parentId: string | undefined;
  tags: string[] | undefined;
  tagsAny: string[] | undefined;
  notTags: string[] | undefined;
  notTagsAny: string[] | undefined;
};

export async function listProjects(sql: Queryable, filter: ProjectFilter): Promise<Project[]> {
  const { domainId, parentId, enabled } = filter;
  return sql<Project[]>`
    select ${columns(sql)} from project
    where true ${listConditions(sql, filter)}
      ${domainId === null ? sql`` : sql`and domain_id = ${domainId}`}
      ${enabled === undefined ? sql`` : sql`and enabled = ${enabled}`}
      ${parentId === undefined ? sql`` : sql`and coalesce(parent_id, domain_id) = ${parentId}`}
      ${filter.tags === undefined ? sql`` : sql`and tags @> ${filter.tags}::text[]`}
      ${filter.tagsAny === undefined ? sql`` : sql`and tags && ${filter.tagsAny}::text[]`}
      ${filter.notTags === undefined ? sql`` : sql`and not tags @> ${filter.notTags}::text[]`}
      ${filter.notTagsAny === undefined ? sql`` : sql`and not tags && ${filter.notTagsAny}::text[]`}
    order by id limit ${filter.limit + 1}`;
}

/** Ids of the projects where the user has some role, through groups and by inheritance too. */
const projectsHeldBy = (sql: Queryable, userId: string) => sql`
  with recursive held as (
    select a.project_id, a.domain_id, a.inherited from role_assignment a
    where num_nonnulls(a.project_id, a.domain_id) = 1
      and (a.user_id = ${userId} or a.group_id = any(array(select group_id from group_member where user_id = ${userId})))
  ), tree as (
    select p.id from project p where p.parent_id in (select project_id from held where inherited)
    union select p.id from project p join tree on p.parent_id = tree.id)
  select project_id from held where not inherited and project_id is not null
  union select p.id from project p where p.domain_id in (select domain_id from held where inherited)
  union select id from tree`;

/** Where a project-scoped token could be had: enabled, and the user has a role there, through groups too. */
export async function listProjectsOfUser(sql: Queryable, userId: string, filter: ListFilter): Promise<Project[]> {
  const { enabled } = filter;
  return sql<Project[]>`
    select ${columns(sql)} from project
    where id in (${projectsHeldBy(sql, userId)})
      and exists (select 1 from domain home where home.id = project.domain_id and (home.directory = 'customer'
        or home.directory = (select d.directory from user_account u join domain d on d.id = u.domain_id where u.id = ${userId})))
      ${listConditions(sql, filter)}
      ${enabled === undefined ? sql`` : sql`and enabled = ${enabled}`}
    order by id limit ${filter.limit + 1}`;
}

export async function insertProject(sql: Queryable, project: Project): Promise<void> {
  await sql`
    insert into project (id, domain_id, parent_id, name, description, enabled, tags, immutable, extra)
    values (${project.id}, ${project.domainId}, ${project.parentId}, ${project.name}, ${project.description}, ${project.enabled},
      ${project.tags}::text[], ${project.immutable}, ${sql.json(project.extra)})`;
}

export async function updateProjectRow(sql: Queryable, project: Project): Promise<void> {
  await sql`
    update project set name = ${project.name}, description = ${project.description}, enabled = ${project.enabled},
      tags = ${project.tags}::text[], immutable = ${project.immutable}, extra = ${sql.json(project.extra)}
    where id = ${project.id}`;
}

/** With its assignments and application credentials; remembered for the purge of what it owns. */
export async function deleteProjectRow(sql: Queryable, project: Project): Promise<void> {
  await sql`
    insert into deleted_project (id, domain_id, name) values (${project.id}, ${project.domainId}, ${project.name})
    on conflict (id) do nothing`;
  await sql`update user_account set default_project_id = null where default_project_id = ${project.id}`;
  await sql`delete from project where id = ${project.id}`;
}

/** The project itself, its parent, and so on up. Kept from changing until the transaction ends. */
export async function lockAncestors(sql: Queryable, id: string): Promise<Project[]> {
  return sql<Project[]>`
    with recursive line as (
      select id, parent_id from project where id = ${id}
      union all select p.id, p.parent_id from project p join line on p.id = line.parent_id)
    select ${columns(sql)} from project where id in (select id from line) order by id for share`;
}

export async function listChildren(sql: Queryable, id: string): Promise<{ id: string; enabled: boolean }[]> {
  return sql<{ id: string; enabled: boolean }[]>`select id, enabled from project where parent_id = ${id}`;
}

export type DeletedProject = { id: string; domainId: string; name: string; deletedAt: Date };

export async function findDeletedProject(sql: Queryable, id: string): Promise<DeletedProject | null> {
  const [row] = await sql<
    DeletedProject[]
  >`select id, domain_id, name, deleted_at from deleted_project where id = ${id}`;
  return row ?? null;
}

/** Projects that Identity has forgotten and that may still own something. */
export async function listDeletedProjects(sql: Queryable, limit: number): Promise<DeletedProject[]> {
  return sql<DeletedProject[]>`
    select id, domain_id, name, deleted_at from deleted_project order by deleted_at limit ${limit}`;
}

export async function removeDeletedProject(sql: Queryable, id: string): Promise<void> {
  await sql`delete from deleted_project where id = ${id}`;
}

/** Everything below a project, however deep; the nearest first. */
export async function listSubtree(sql: Queryable, id: string): Promise<Project[]> {
  return sql<Project[]>`
    with recursive tree as (
      select id, 1 as depth from project where parent_id = ${id}
      union all select p.id, tree.depth + 1 from project p join tree on p.parent_id = tree.id)
    select ${columns(sql)} from project join tree using (id) order by depth, id limit 10000`;
}

/** Everything above it, the nearest first. */
export async function listAncestors(sql: Queryable, id: string): Promise<Project[]> {
  return sql<Project[]>`
    with recursive line as (
      select parent_id as id, 1 as depth from project where id = ${id}
      union all select p.parent_id, line.depth + 1 from project p join line on p.id = line.id)
    select ${columns(sql)} from project join line using (id) order by depth`;
}

/** Which of these the user has some role on. */
export async function filterHeld(sql: Queryable, userId: string, ids: string[]): Promise<Set<string>> {
  const rows = await sql<{ id: string }[]>`
    select id from project where id = any(${ids}::text[]) and id in (${projectsHeldBy(sql, userId)})`;
  return new Set(rows.map((row) => row.id));
}
