/** Every statement on limits and on what is used. */
import type { Queryable } from "@andromede/platform/db/database";
import type postgres from "postgres";

import type { QuotaOverrides } from "./quota.model.ts";

export type Usage = { quota: QuotaOverrides; defaults: QuotaOverrides; used: { [name: string]: number } };

const defaultsOf = (sql: Queryable) =>
  sql`coalesce((select c.quota from volume_quota_class c where c.name = 'default'), '{}')`;
const usedOf = (sql: Queryable, projectId: string) =>
  sql`coalesce((select jsonb_object_agg(u.name, u.used) from volume_usage u where u.project_id = ${projectId}), '{}')`;

/** Limits and usage, made on first use and held until the transaction ends: whoever counts waits here. */
export async function lockUsage(sql: Queryable, projectId: string): Promise<Usage> {
  const [, usage] = await Promise.all([
    // sent at once: what is read behind it is read while the row is held
    sql`insert into volume_project (project_id) values (${projectId}) on conflict (project_id) do update set project_id = excluded.project_id`.execute(),
    findUsage(sql, projectId),
  ]);
  return usage;
}

/** The same, without holding it. */
export async function findUsage(sql: Queryable, projectId: string): Promise<Usage> {
  const [row] = await sql<Usage[]>`
    select coalesce((select quota from volume_project where project_id = ${projectId}), '{}') as quota, ${defaultsOf(sql)} as defaults,
      ${usedOf(sql, projectId)} as used`;
  return row ?? { quota: {}, defaults: {}, used: {} };
}

/** Adds to what is used, name by name; MUST be done under `lockUsage`. */
export async function addUsage(sql: Queryable, projectId: string, amounts: { [name: string]: number }): Promise<void> {
  const names = Object.keys(amounts).toSorted();
  if (names.length === 0) return;
  await sql`
    insert into volume_usage (project_id, name, used)
    select ${projectId}, name, amount from unnest(${names}::text[], ${names.map((name) => amounts[name] ?? 0)}::bigint[]) as t (name, amount)
    on conflict (project_id, name) do update set used = volume_usage.used + excluded.used`;
}

/** An operator's limits for a project; `{}`: the defaults again. */
export async function setQuota(sql: postgres.ISql, projectId: string, quota: QuotaOverrides): Promise<void> {
  await sql`
    insert into volume_project (project_id, quota) values (${projectId}, ${sql.json(quota)})
    on conflict (project_id) do update set quota = excluded.quota`;
}

export async function findQuotaClass(sql: Queryable, name: string): Promise<QuotaOverrides> {
  const [row] = await sql<{ quota: QuotaOverrides }[]>`select quota from volume_quota_class where name = ${name}`;
  return row?.quota ?? {};
}

export async function setQuotaClass(sql: postgres.ISql, name: string, quota: QuotaOverrides): Promise<void> {
  await sql`
    insert into volume_quota_class (name, quota) values (${name}, ${sql.json(quota)})
    on conflict (name) do update set quota = volume_quota_class.quota || excluded.quota`;
}

/** Does the project have a row here? */
export async function isProjectKnown(sql: Queryable, projectId: string): Promise<boolean> {
  return (await sql`select 1 from volume_project where project_id = ${projectId}`).length > 0;
}

/** For a project that ends. */
export async function deleteProjectUsage(sql: Queryable, projectId: string): Promise<void> {
  await sql`delete from volume_project where project_id = ${projectId}`;
}
