/** Every statement on compute's row of a project: limits that differ from the defaults, and what is in use. */
import type { Queryable } from "@andromede/platform/db/database";
import type postgres from "postgres";

import type { QuotaOverrides } from "./quota.model.ts";

export type ProjectUsage = { quota: QuotaOverrides; usedServers: number; usedCores: number; usedRamMib: number };
type Amount = { servers: number; cores: number; ramMib: number };

const none: ProjectUsage = { quota: {}, usedServers: 0, usedCores: 0, usedRamMib: 0 };

/** What operators set for every project (quota class `default`), under what they set for this one. */
const inForce = (sql: Queryable) => sql`
  coalesce((select c.quota from compute_quota_class c where c.name = 'default'), '{}') || compute_project.quota as quota`;

/** Limits and usage, made on first use and held until the transaction ends: whoever counts waits here. */
export async function lockUsage(sql: Queryable, projectId: string): Promise<ProjectUsage> {
  const [row] = await sql<ProjectUsage[]>`
    insert into compute_project (project_id) values (${projectId})
    on conflict (project_id) do update set project_id = excluded.project_id
    returning ${inForce(sql)}, used_servers, used_cores, used_ram_mib`;
  return row ?? none;
}

/** The same, without holding it. */
export async function findUsage(sql: Queryable, projectId: string): Promise<ProjectUsage> {
  const [row] = await sql<ProjectUsage[]>`
    select ${inForce(sql)}, used_servers, used_cores, used_ram_mib from compute_project where project_id = ${projectId}
    union all select quota, 0, 0, 0 from compute_quota_class
      where name = 'default' and not exists (select 1 from compute_project where project_id = ${projectId})`;
  return row ?? none;
}

/** Takes from the quota what was checked under `lockUsage`. */
export async function takeUsage(sql: Queryable, projectId: string, amount: Amount): Promise<void> {
  await sql`
    update compute_project set used_servers = used_servers + ${amount.servers}, used_cores = used_cores + ${amount.cores},
      used_ram_mib = used_ram_mib + ${amount.ramMib} where project_id = ${projectId}`;
}

/** Gives back what a server used. */
export const releaseUsage = (sql: Queryable, projectId: string, amount: Amount): Promise<void> =>
  takeUsage(sql, projectId, { servers: -amount.servers, cores: -amount.cores, ramMib: -amount.ramMib });

/** An operator's limits for a project; `{}`: the defaults again. */
export async function setQuota(sql: postgres.ISql, projectId: string, quota: QuotaOverrides): Promise<void> {
  await sql`
    insert into compute_project (project_id, quota) values (${projectId}, ${sql.json(quota)})
    on conflict (project_id) do update set quota = excluded.quota`;
}

/** What operators set for this project and no other. */
export async function findOwnQuota(sql: Queryable, projectId: string): Promise<QuotaOverrides> {
  const [row] = await sql<{ quota: QuotaOverrides }[]>`
    select quota from compute_project where project_id = ${projectId}`;
  return row?.quota ?? {};
}

/** A class of quotas; `default` is every project's. */
export async function findClassQuota(sql: Queryable, name: string): Promise<QuotaOverrides> {
  const [row] = await sql<{ quota: QuotaOverrides }[]>`select quota from compute_quota_class where name = ${name}`;
  return row?.quota ?? {};
}

export async function mergeClassQuota(
  sql: postgres.ISql,
  name: string,
  quota: QuotaOverrides,
): Promise<QuotaOverrides> {
  const [row] = await sql<{ quota: QuotaOverrides }[]>`
    insert into compute_quota_class as c (name, quota) values (${name}, ${sql.json(quota)})
    on conflict (name) do update set quota = c.quota || excluded.quota returning quota`;
  return row?.quota ?? {};
}

/** A user's limits within a project; null: none of their own. */
export async function findUserQuota(sql: Queryable, projectId: string, userId: string): Promise<QuotaOverrides | null> {
  const [row] = await sql<{ quota: QuotaOverrides }[]>`
    select quota from compute_user_quota where project_id = ${projectId} and user_id = ${userId}`;
  return row?.quota ?? null;
}

export async function mergeUserQuota(
  sql: postgres.ISql,
  projectId: string,
  userId: string,
  quota: QuotaOverrides,
): Promise<void> {
  await sql`
    insert into compute_user_quota as q (project_id, user_id, quota) values (${projectId}, ${userId}, ${sql.json(quota)})
    on conflict (project_id, user_id) do update set quota = q.quota || excluded.quota`;
}

export async function deleteUserQuota(sql: Queryable, projectId: string, userId: string): Promise<void> {
  await sql`delete from compute_user_quota where project_id = ${projectId} and user_id = ${userId}`;
}

/** What a user's servers take of a project. Right only while the project's row is held. */
export async function countUserUsage(
  sql: Queryable,
  projectId: string,
  userId: string,
): Promise<Omit<ProjectUsage, "quota">> {
  const [row] = await sql<Omit<ProjectUsage, "quota">[]>`
    select count(*)::int as used_servers, coalesce(sum((flavor->>'vcpus')::bigint), 0)::int as used_cores,
      coalesce(sum((flavor->>'ramMib')::bigint), 0)::bigint as used_ram_mib
    from server where project_id = ${projectId} and user_id = ${userId}`;
  return row ?? { usedServers: 0, usedCores: 0, usedRamMib: 0 };
}

/** Does the project have a row here? */
export async function isProjectKnown(sql: Queryable, projectId: string): Promise<boolean> {
  return (await sql`select 1 from compute_project where project_id = ${projectId}`).length > 0;
}

/** For a project that ends. */
export async function deleteProjectUsage(sql: Queryable, projectId: string): Promise<void> {
  await sql`delete from compute_user_quota where project_id = ${projectId}`;
  await sql`delete from server_usage where project_id = ${projectId}`;
  await sql`delete from compute_project where project_id = ${projectId}`;
}
