import { randomBytes } from "node:crypto";

import { PORT, SOCKET_DIR, adminConnection, ensureCluster } from "./cluster.ts";

export type TestDatabase = {
  /** What the control plane's configuration calls `database`. */
  config: { socketDir: string; port: number; name: string; user: string };
  drop(): Promise<void>;
};

/**
 * A database of its own for a test file, cloned from a template that `prepare` filled once. `fingerprint` names the
 * template: another schema is another template.
 */
export async function createTestDatabase(
  fingerprint: string,
  prepare: (config: TestDatabase["config"]) => Promise<void>,
): Promise<TestDatabase> {
  await ensureCluster();
  const sql = adminConnection();
  const config = (name: string): TestDatabase["config"] => ({
    socketDir: SOCKET_DIR,
    port: PORT,
    name,
    user: "postgres",
  });
  const template = `template_${fingerprint}`;
  const name = `test_${randomBytes(6).toString("hex")}`;
  try {
    // the lock is the session's: it goes with this connection, whatever happens
    await sql`select pg_advisory_lock(hashtext('testkit-template'))`;
    const [there] = await sql`select 1 from pg_database where datname = ${template} and datistemplate`;
    if (there === undefined) {
      await sql`drop database if exists ${sql(template)}`;
      await sql`create database ${sql(template)}`;
      await prepare(config(template));
      await sql`alter database ${sql(template)} is_template true`;
    }
    await sql`create database ${sql(name)} template ${sql(template)}`;
  } finally {
    await sql.end();
  }
  return {
    config: config(name),
    async drop() {
      const connection = adminConnection();
      await connection`drop database if exists ${connection(name)} with (force)`;
      await connection.end();
    },
  };
}
