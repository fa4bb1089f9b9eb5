/** A database of the newest schema for a test file. Test files only. */
import { createHash } from "node:crypto";

import { openDatabase } from "@andromede/platform/db/database";
import { type TestDatabase, createTestDatabase } from "@andromede/testkit/database";

import { migrate, readMigrations } from "../../../control-plane/src/db/migrate.ts";

/** Cloned from a template that the migrations' fingerprint names. */
export function newDatabase(): Promise<TestDatabase> {
  const migrations = readMigrations();
  const fingerprint = createHash("sha256")
    .update(migrations.map((one) => one.checksum).join())
    .digest("hex")
    .slice(0, 16);
  return createTestDatabase(fingerprint, async (config) => {
    const db = openDatabase(config, { max: 1 });
    await migrate(db, migrations);
    await db.end();
  });
}
