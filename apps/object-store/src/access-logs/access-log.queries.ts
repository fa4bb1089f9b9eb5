/** Every statement on lines of access logs that are on their way. */
import type { Queryable } from "@andromede/platform/db/database";

import type { LogRow } from "./access-log.ts";

export async function insertLogRows(sql: Queryable, rows: LogRow[]): Promise<void> {
  await sql`
    insert into object_access_log (container_id, project_id, bucket, logging, day, lines, bytes)
    select id, project, bucket, logging::jsonb, day::date, lines, octet_length(lines) from unnest(
      ${rows.map((row) => row.containerId)}::int8[], ${rows.map((row) => row.projectId)}::text[],
      ${rows.map((row) => row.bucket)}::text[], ${rows.map((row) => JSON.stringify(row.logging))}::text[],
      ${rows.map((row) => row.day)}::text[], ${rows.map((row) => row.lines)}::text[])
      as row (id, project, bucket, logging, day, lines)`;
}

/** What may be one object: lines of one day of one container, under one setting. */
export type LogGroup = Omit<LogRow, "lines">;

/** Those of which something waits for longer than that, or so much. */
export async function listDueGroups(sql: Queryable, due: { seconds: number; bytes: number }): Promise<LogGroup[]> {
  return sql<LogGroup[]>`
    select container_id, project_id, bucket, logging, day::text from object_access_log where delivery is null
    group by container_id, project_id, bucket, logging, day
    having min(logged_at) <= now() - make_interval(secs => ${due.seconds}) or sum(bytes) >= ${due.bytes}
    order by min(logged_at)`;
}

/** Decides that the group's oldest lines, of about so many bytes, are the object of this key. */
export async function claimLines(sql: Queryable, group: LogGroup, key: string, bytes: number): Promise<number> {
  const { count } = await sql`
    update object_access_log set delivery = ${key} where id in (
      select id from (
        select id, sum(bytes) over (order by id) - bytes as before from object_access_log
        where delivery is null and container_id = ${group.containerId} and day = ${group.day}::date
          and bucket = ${group.bucket} and logging = ${sql.json(group.logging as never)}
      ) as waiting where before < ${bytes})`;
  return count;
}

/** Deliveries that were decided and not seen to their end. */
export async function listDeliveries(sql: Queryable): Promise<(LogGroup & { key: string })[]> {
  return sql<(LogGroup & { key: string })[]>`
    select distinct on (delivery) container_id, project_id, bucket, logging, day::text, delivery as key
    from object_access_log where delivery is not null order by delivery`;
}

export async function readDelivery(sql: Queryable, key: string): Promise<string> {
  const rows = await sql<{ lines: string }[]>`
    select lines from object_access_log where delivery = ${key} order by id`;
  return rows.map(({ lines }) => lines).join("");
}

export async function deleteDelivery(sql: Queryable, key: string): Promise<void> {
  await sql`delete from object_access_log where delivery = ${key}`;
}

/** Gives how many rows went. */
export async function deleteLateLines(sql: Queryable, seconds: number): Promise<number> {
  return (await sql`delete from object_access_log where logged_at < now() - make_interval(secs => ${seconds})`).count;
}
