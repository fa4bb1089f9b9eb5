/** Every SQL statement on purges. */
import type { Queryable } from "@andromede/platform/db/database";

import type { Counts, ProjectPurge } from "./purge.model.ts";

export type NewPurge = Pick<ProjectPurge, "id" | "name" | "domainId" | "requestedBy" | "requestedAt">;

/** false: there is one already. */
export async function insertPurge(sql: Queryable, purge: NewPurge): Promise<boolean> {
  const rows = await sql`
    insert into project_purge (id, name, domain_id, requested_by, requested_at)
    values (${purge.id}, ${purge.name}, ${purge.domainId}, ${purge.requestedBy}, ${purge.requestedAt})
    on conflict (id) do nothing returning id`;
  return rows.length > 0;
}

export async function findPurge(sql: Queryable, id: string): Promise<ProjectPurge | null> {
  const [row] = await sql<ProjectPurge[]>`select * from project_purge where id = ${id}`;
  return row ?? null;
}

/** Newest first. */
export async function listPurges(sql: Queryable, limit: number): Promise<ProjectPurge[]> {
  return sql<ProjectPurge[]>`select * from project_purge order by requested_at desc, id desc limit ${limit}`;
}

export async function listOpenPurges(sql: Queryable): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`select id from project_purge where finished_at is null`;
  return rows.map(({ id }) => id);
}

export async function recordProgress(
  sql: Queryable,
  id: string,
  progress: { found: Counts; remaining: Counts },
): Promise<void> {
  await sql`
    update project_purge set found = ${sql.json(progress.found)}, remaining = ${sql.json(progress.remaining)} where id = ${id}`;
}

export async function recordAsked(
  sql: Queryable,
  id: string,
  asked: { step: number; askedAt: Date; reason: string | null },
): Promise<void> {
  await sql`
    update project_purge set step = ${asked.step}, asked_at = ${asked.askedAt}, reason = ${asked.reason} where id = ${id}`;
}

export async function recordFinished(sql: Queryable, id: string, at: Date): Promise<void> {
  await sql`
    update project_purge set finished_at = ${at}, remaining = '{}', reason = null, step = null where id = ${id}`;
}
