import type { Database } from "@andromede/platform/db/database";

import type { TrafficRow } from "./traffic.ts";

/** Adds to what was counted in those hours. Sorted, so that two programs never wait for each other in a ring. */
export async function addTraffic(db: Database, rows: TrafficRow[]): Promise<void> {
  const sorted = rows.toSorted((a, b) => (a.projectId < b.projectId ? -1 : a.projectId > b.projectId ? 1 : 0));
  await db`
    insert into object_traffic (project_id, hour, reads, writes, bytes_in, bytes_out)
    select * from unnest(
      ${sorted.map((row) => row.projectId)}::text[], ${sorted.map((row) => row.hour.toISOString())}::text[]::timestamptz[],
      ${sorted.map((row) => row.reads)}::int8[], ${sorted.map((row) => row.writes)}::int8[],
      ${sorted.map((row) => row.bytesIn)}::int8[], ${sorted.map((row) => row.bytesOut)}::int8[])
    on conflict (project_id, hour) do update set
      reads = object_traffic.reads + excluded.reads, writes = object_traffic.writes + excluded.writes,
      bytes_in = object_traffic.bytes_in + excluded.bytes_in, bytes_out = object_traffic.bytes_out + excluded.bytes_out`;
}
