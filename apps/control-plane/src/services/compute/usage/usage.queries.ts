/** Every statement on what servers used: those there are, and those that are gone. */
import type { Queryable } from "@andromede/platform/db/database";
import type postgres from "postgres";

import type { FlavorCopy } from "../servers/server.model.ts";
import type { ServerUsage, UsagePage } from "./usage.model.ts";

/** A server that ran is gone. */
export async function insertServerUsage(
  sql: postgres.ISql,
  server: { id: string; projectId: string; name: string; flavor: FlavorCopy; observedLaunchedAt: Date | null },
  endedAt: Date,
): Promise<void> {
  if (server.observedLaunchedAt === null) return;
  await sql`
    insert into server_usage (server_id, project_id, name, flavor, launched_at, ended_at)
    values (${server.id}, ${server.projectId}, ${server.name}, ${sql.json(server.flavor)}, ${server.observedLaunchedAt}, ${endedAt})
    on conflict do nothing`;
}

/** By project, then by server. Null: there is no server `marker`. */
export async function listServerUsages(sql: Queryable, page: UsagePage): Promise<ServerUsage[] | null> {
  let after: { projectId: string; serverId: string } | null = null;
  if (page.marker !== undefined) {
    after = await findMarker(sql, page.marker);
    if (after === null) return null;
  }
  return usageStatement(sql, page, after);
}

/** For the EXPLAIN tests: the statement itself. */
export function usageStatement(
  sql: Queryable,
  page: UsagePage,
  after: { projectId: string; serverId: string } | null,
): postgres.PendingQuery<ServerUsage[]> {
  const { start, stop, projectId } = page;
  const ofProject = projectId === null ? sql`` : sql`and project_id = ${projectId}`;
  return sql<ServerUsage[]>`
    select u.*, (extract(epoch from least(coalesce(u.ended_at, ${stop}), ${stop}) - greatest(u.launched_at, ${start})) / 3600)::float8 as hours
    from (
      select id as server_id, project_id collate "C" as project_id, name, flavor, observed_launched_at as launched_at, null::timestamptz as ended_at,
        vm_state as state
      from server where observed_launched_at < ${stop} ${ofProject}
      union all
      select server_id, project_id, name, flavor, launched_at, ended_at, 'terminated' as state
      from server_usage where ended_at > ${start} and launched_at < ${stop} ${ofProject}) u
    ${after === null ? sql`` : sql`where (u.project_id, u.server_id) > (${after.projectId}, ${after.serverId})`}
    order by u.project_id, u.server_id limit ${page.limit}`;
}

async function findMarker(sql: Queryable, id: string): Promise<{ projectId: string; serverId: string } | null> {
  const [row] = await sql<{ projectId: string; serverId: string }[]>`
    select project_id, id as server_id from server where id = ${id}
    union all select project_id, server_id from server_usage where server_id = ${id} limit 1`;
  return row ?? null;
}
