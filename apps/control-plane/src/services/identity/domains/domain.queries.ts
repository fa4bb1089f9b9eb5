import type { Queryable } from "@andromede/platform/db/database";

import type { ListFilter } from "../shared/list-filter.ts";
import { listConditions } from "../shared/list.queries.ts";
import type { Domain } from "./domain.model.ts";

const columns = (sql: Queryable) => sql`id, name, description, enabled, directory, tags, immutable, extra`;

export async function findDomain(sql: Queryable, id: string): Promise<Domain | null> {
  const [row] = await sql<Domain[]>`select ${columns(sql)} from domain where id = ${id}`;
  return row ?? null;
}

/** Holds the row until the transaction ends. */
export async function lockDomain(sql: Queryable, id: string): Promise<Domain | null> {
  const [row] = await sql<Domain[]>`select ${columns(sql)} from domain where id = ${id} for update`;
  return row ?? null;
}

export async function listDomains(sql: Queryable, filter: ListFilter, onlyId: string | null): Promise<Domain[]> {
  return sql<Domain[]>`
    select ${columns(sql)} from domain
    where true ${listConditions(sql, filter)}
      ${filter.enabled === undefined ? sql`` : sql`and enabled = ${filter.enabled}`}
      ${onlyId === null ? sql`` : sql`and id = ${onlyId}`}
    order by id limit ${filter.limit + 1}`;
}

export async function insertDomain(sql: Queryable, domain: Domain): Promise<void> {
  await sql`
    insert into domain (id, name, description, enabled, directory, tags, immutable, extra)
    values (${domain.id}, ${domain.name}, ${domain.description}, ${domain.enabled}, ${domain.directory},
      ${domain.tags}::text[], ${domain.immutable}, ${sql.json(domain.extra)})`;
}

export async function updateDomainRow(sql: Queryable, domain: Domain): Promise<void> {
  await sql`
    update domain set name = ${domain.name}, description = ${domain.description}, enabled = ${domain.enabled},
      tags = ${domain.tags}::text[], immutable = ${domain.immutable}, extra = ${sql.json(domain.extra)}
    where id = ${domain.id}`;
}

/** With all that is in it; its projects are remembered for the purge of what they own. */
export async function deleteDomainRow(sql: Queryable, id: string): Promise<void> {
  await sql`
    insert into deleted_project (id, domain_id, name) select id, domain_id, name from project where domain_id = ${id}
    on conflict (id) do nothing`;
  await sql`delete from domain where id = ${id}`;
}

/** Where a domain-scoped token could be had: every domain on which the user has a role, through groups too. */
export async function listDomainsOfUser(sql: Queryable, userId: string): Promise<Domain[]> {
  return sql<Domain[]>`
    select ${columns(sql)} from domain
    where enabled and id in (
      select domain_id from role_assignment
      where domain_id is not null and not inherited
        and (user_id = ${userId} or group_id = any(array(select group_id from group_member where user_id = ${userId}))))
      and (directory = 'customer' or directory = (
        select home.directory from user_account join domain home on home.id = user_account.domain_id where user_account.id = ${userId}))
    order by id`;
}
