/** Every statement on compute's row of a project: limits that differ from the defaults, and what is in use. */
import type postgres from "postgres";

import type { Queryable } from "../../../db/database.ts";
import type { QuotaOverrides } from "./quota.model.ts";

export type ProjectUsage = { quota: QuotaOverrides; usedServers: number; usedCores: number; usedRamMib: number };
type Amount = { servers: number; cores: number; ramMib: number };

const none: ProjectUsage = { quota: {}, usedServers: 0, usedCores: 0, usedRamMib: 0 };

/** Limits and usage, made on first use and held until the transaction ends: whoever counts waits here. */
export async function lockUsage(sql: Queryable, projectId: string): Promise<ProjectUsage> {
  const [row] = await sql<ProjectUsage[]>`
    insert into compute_project (project_id) values (${projectId})
    on conflict (project_id) do update set project_id = excluded.project_id
    returning quota, used_servers, used_cores, used_ram_mib`;
  return row ?? none;
}

/** The same, without holding it. */
export async function findUsage(sql: Queryable, projectId: string): Promise<ProjectUsage> {
  const [row] = await sql<ProjectUsage[]>`
    select quota, used_servers, used_cores, used_ram_mib from compute_project where project_id = ${projectId}`;
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

/** Does the project have a row here? */
export async function isProjectKnown(sql: Queryable, projectId: string): Promise<boolean> {
  return (await sql`select 1 from compute_project where project_id = ${projectId}`).length > 0;
}

/** For a project that ends. */
export async function deleteProjectUsage(sql: Queryable, projectId: string): Promise<void> {
  await sql`delete from compute_project where project_id = ${projectId}`;
}
