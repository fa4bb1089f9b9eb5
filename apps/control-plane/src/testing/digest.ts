import { createHash } from "node:crypto";

import type { Database } from "@andromede/platform/db/database";

/** Tables that a refused request may write to: the record of the refusal, and what the log makes of it. */
const EXEMPT = ["event", "event_leaf", "event_tile", "event_checkpoint", "schema_migration"];

/** One hash over every row of every other table: "nothing changed" as a value. */
export async function digestDatabase(db: Database): Promise<{ [table: string]: string }> {
  const tables = await db<{ name: string }[]>`
    select tablename as name from pg_tables where schemaname = 'public' and not (tablename::text = any(${EXEMPT})) order by tablename`;
  const parts = tables.map(
    ({ name }) =>
      `select '${name}' as name, coalesce(md5(string_agg(t::text, '|' order by t::text)), '') as digest from "${name}" t`,
  );
  const rows = await db.unsafe<{ name: string; digest: string }[]>(parts.join(" union all "));
  return Object.fromEntries(rows.map((row) => [row.name, createHash("sha1").update(row.digest).digest("hex")]));
}
