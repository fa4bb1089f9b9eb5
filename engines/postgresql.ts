/**
 * PostgreSQL 17: one private cluster an instance, reachable over a unix socket only.
 *
 * Who connects is decided by the user id at the other end of the socket (peer authentication): the control plane's user
 * and root may be `andromede`, root alone may be `postgres`. There is no password to keep or to leak.
 *
 * The jail shares the machine's process ids and System V memory on purpose: PostgreSQL tells by them whether another
 * postmaster still has the same data directory, and two of those would destroy it.
 */
import { existsSync } from "node:fs";
import { chown, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { conflict } from "@andromede/base/errors";
import { waitUntil } from "@andromede/base/waiting";

import { runInJail } from "./engine-root.ts";
import { type Jail, jailCommand, jailEnvironment } from "./jail.ts";
import type { Unit } from "./unit.ts";

const BIN = "/usr/lib/postgresql/17/bin";
const MAJOR = "17";
const PORT = 5432;

export type PostgresqlPlace = {
  engineRoot: string;
  /** Holds `data/` and the access files; becomes the postgres user's. */
  directory: string;
  /** Where the socket is made. */
  socketDirectory: string;
  log: string;
  user: { uid: number; gid: number };
  /** Who may be the role `andromede`, besides root. */
  client: { uid: number; gid: number };
};

export const postgresqlPort = PORT;

/** Small, durable: every committed transaction is on disk. */
const SETTINGS: { [name: string]: string } = {
  listen_addresses: "",
  max_connections: "60",
  shared_buffers: "64MB",
  effective_cache_size: "256MB",
  work_mem: "4MB",
  maintenance_work_mem: "32MB",
  fsync: "on",
  synchronous_commit: "on",
  full_page_writes: "on",
  wal_compression: "lz4",
  max_wal_size: "512MB",
  checkpoint_timeout: "15min",
  max_wal_senders: "2",
  jit: "off",
  huge_pages: "off",
  max_worker_processes: "4",
  // nobody subscribes: no process that waits for it
  max_logical_replication_workers: "0",
  max_parallel_workers_per_gather: "0",
  autovacuum_max_workers: "2",
  // queue-like tables turn over their rows many times a minute
  autovacuum_naptime: "15s",
  log_min_duration_statement: "1000",
  log_line_prefix: "%m [%p] %q%a ",
  log_timezone: "UTC",
  timezone: "UTC",
};

function jailOf(place: PostgresqlPlace): Jail {
  return {
    root: place.engineRoot,
    binds: [
      { from: place.directory, mode: "write" },
      { from: place.socketDirectory, mode: "write" },
      // PostgreSQL asks for the names of the users at both ends of its socket.
      { from: join(place.directory, "passwd"), to: "/etc/passwd", mode: "read" },
    ],
    unshare: ["uts"],
    user: place.user,
    workingDirectory: place.directory,
  };
}

/** The unit that runs the cluster. Pure. */
export function postgresqlUnit(place: PostgresqlPlace): Unit {
  const settings: { [name: string]: string } = {
    ...SETTINGS,
    unix_socket_directories: place.socketDirectory,
    hba_file: join(place.directory, "pg_hba.conf"),
    ident_file: join(place.directory, "pg_ident.conf"),
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  return {
    name: "postgresql",
    description: "PostgreSQL 17",
    argv: jailCommand(jailOf(place), [
      `${BIN}/postgres`,
      "-D",
      join(place.directory, "data"),
      "-p",
      String(PORT),
      ...flags,
    ]),
    environment: jailEnvironment,
    log: place.log,
    after: [],
    readySocket: join(place.socketDirectory, `.s.PGSQL.${PORT}`),
    // "fast" shutdown: sessions are ended, everything is written out
    stopSignal: "SIGINT",
    stopTimeoutMs: 30_000,
    kill: "tree",
  };
}

/** Makes the cluster's files unless they are there. Idempotent; a killed initdb is started over. */
export async function preparePostgresql(place: PostgresqlPlace): Promise<void> {
  const { uid, gid } = place.user;
  await mkdir(place.directory, { recursive: true, mode: 0o700 });
  await chown(place.directory, uid, gid);
  await mkdir(place.socketDirectory, { recursive: true, mode: 0o750 });
  await chown(place.socketDirectory, uid, place.client.gid);
  await Promise.all([
    own(
      place,
      "passwd",
      `root:x:0:0::/:/bin/sh\npostgres:x:${uid}:${gid}::/tmp:/bin/sh\nandromede:x:${place.client.uid}:${place.client.gid}::/tmp:/bin/sh\n`,
    ),
    own(place, "pg_hba.conf", "local all all peer map=instance\n"),
    own(
      place,
      "pg_ident.conf",
      [
        "instance postgres postgres",
        "instance root postgres",
        "instance root andromede",
        "instance andromede andromede",
        "",
      ].join("\n"),
    ),
  ]);
  await initialize(place);
}

async function own(place: PostgresqlPlace, name: string, text: string): Promise<void> {
  const file = join(place.directory, name);
  await writeFile(file, text, { mode: 0o640 });
  await chown(file, place.user.uid, place.user.gid);
}

async function initialize(place: PostgresqlPlace): Promise<void> {
  const data = join(place.directory, "data");
  if (existsSync(data)) {
    const version = (await readFile(join(data, "PG_VERSION"), "utf8")).trim();
    if (version !== MAJOR) throw conflict(`${data} was made by PostgreSQL ${version}; this version runs ${MAJOR}`);
    return;
  }
  const unfinished = join(place.directory, "data.new");
  await rm(unfinished, { recursive: true, force: true });
  // The built-in locale sorts the same whatever the C library: a new engine root cannot break an index.
  await runInJail(jailOf(place), [
    `${BIN}/initdb`,
    "--pgdata",
    unfinished,
    "--username=postgres",
    "--auth=peer",
    "--data-checksums",
    "--encoding=UTF8",
    "--locale=C.UTF-8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
  ]);
  await rename(unfinished, data);
}

/** Runs SQL as the superuser; gives what psql printed (unaligned, tuples only). */
export function runSql(place: PostgresqlPlace, sql: string, database = "postgres"): Promise<string> {
  return runInJail(
    jailOf(place),
    [
      `${BIN}/psql`,
      "--no-psqlrc",
      "--quiet",
      "--no-align",
      "--tuples-only",
      "--set=ON_ERROR_STOP=1",
      "--host",
      place.socketDirectory,
      "--port",
      String(PORT),
      "--username=postgres",
      "--dbname",
      database,
      "--file=-",
    ],
    { input: sql, timeoutMs: 30_000 },
  );
}

/** Waits until it takes statements, then makes the role and the database unless they are there. */
export async function ensureDatabase(place: PostgresqlPlace): Promise<void> {
  await waitUntil("PostgreSQL", async () => (await runSql(place, "select 1")).trim() === "1", {
    timeoutMs: 60_000,
    everyMs: 100,
  });
  const there = (
    await runSql(
      place,
      "select (select count(*) from pg_roles where rolname = 'andromede') || ' ' || (select count(*) from pg_database where datname = 'andromede')",
    )
  ).trim();
  if (there === "1 1") return;
  await runSql(
    place,
    [
      "do $$ begin if not exists (select from pg_roles where rolname = 'andromede') then create role andromede login; end if; end $$;",
      "select 'create database andromede owner andromede' where not exists (select from pg_database where datname = 'andromede') \\gexec",
      "revoke connect on database postgres from public;",
      "revoke all on database andromede from public;",
      "",
    ].join("\n"),
  );
}
