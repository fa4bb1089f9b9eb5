import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { conflict } from "@andromede/base/errors";
import type { Database } from "@andromede/platform/db/database";

const MIGRATIONS = fileURLToPath(new URL("../../migrations/", import.meta.url));
/** Any fixed number: makes two programs that start together take turns. */
const LOCK = 4_208_153;

type Migration = { number: number; name: string; text: string; checksum: string };

/** The numbered files, in order; a gap or a repeated number is a mistake of ours. */
export function readMigrations(directory = MIGRATIONS): Migration[] {
  const files = readdirSync(directory)
    .filter((file) => file.endsWith(".sql"))
    .toSorted();
  return files.map((name, index) => {
    const number = Number(name.slice(0, 4));
    if (number !== index + 1) throw new Error(`migration ${name}: expected number ${index + 1}`);
    const text = readFileSync(`${directory}/${name}`, "utf8");
    return { number, name, text, checksum: createHash("sha256").update(text).digest("hex") };
  });
}

/**
 * Brings the schema up to date, each file in a transaction of its own. Refuses to run on a schema newer than this
 * program, or when a file that was applied has changed since: both mean that somebody would read rows wrongly.
 */
export async function migrate(db: Database, migrations = readMigrations()): Promise<{ applied: string[] }> {
  const applied: string[] = [];
  await db.begin(async (sql) => {
    await sql`select pg_advisory_xact_lock(${LOCK})`;
    await sql`create table if not exists schema_migration
      (number integer primary key, name text not null, checksum text not null, applied_at timestamptz not null default now())`;
    const there = await sql<{ number: number; name: string; checksum: string }[]>`
      select number, name, checksum from schema_migration order by number`;
    const newest = there.at(-1);
    if (newest !== undefined && newest.number > migrations.length) {
      throw conflict(`the database is at ${newest.name}, newer than this program knows`);
    }
    for (const row of there) {
      const ours = migrations[row.number - 1];
      if (ours?.checksum !== row.checksum) throw conflict(`migration ${row.name} was changed after it was applied`);
    }
    for (const migration of migrations.slice(there.length)) {
      await sql.unsafe(migration.text);
      await sql`insert into schema_migration (number, name, checksum)
        values (${migration.number}, ${migration.name}, ${migration.checksum})`;
      applied.push(migration.name);
    }
  });
  return { applied };
}
