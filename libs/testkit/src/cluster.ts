/**
 * One private PostgreSQL cluster a machine for tests: started by whoever needs it first, stopped by its own watcher
 * once nobody has been connected for a minute. Nothing to start by hand, nothing left behind.
 */
import { execFileSync, spawn } from "node:child_process";
import { chownSync, existsSync, mkdirSync, openSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { waitUntil } from "@andromede/base/waiting";
import postgres from "postgres";

const HOME = process.env["ANDROMEDE_TEST_POSTGRES"] ?? "/var/tmp/andromede-test-postgres";
const DATA = join(HOME, "data");
export const SOCKET_DIR = join(HOME, "run");
export const PORT = 5432;
/** nobody: PostgreSQL refuses root */
const UID = 65534;
const PROGRAMS = "usr/lib/postgresql/17/bin";

/** The engine root that holds PostgreSQL: named by the environment, or the first one a data directory has. */
export function engineRoot(): string {
  const named = process.env["ANDROMEDE_ENGINE_ROOT"];
  if (named !== undefined) return named;
  for (const directory of ["/var/tmp/andromede-test/engines", "/var/lib/andromede/engines"]) {
    const names = existsSync(directory) ? readdirSync(directory) : [];
    const found = names.find((name) => existsSync(join(directory, name, PROGRAMS, "postgres")));
    if (found !== undefined) return join(directory, found);
  }
  throw new Error("no engine root: run ./andromede up once, or set ANDROMEDE_ENGINE_ROOT");
}

/** A command inside the engine root, as an unprivileged user who sees of the machine only the cluster's directory. */
function inRoot(...command: string[]): string[] {
  return [
    "setpriv",
    "--reuid",
    String(UID),
    "--regid",
    String(UID),
    "--clear-groups",
    "bwrap",
    "--ro-bind",
    engineRoot(),
    "/",
    "--dev",
    "/dev",
    "--proc",
    "/proc",
    "--tmpfs",
    "/tmp",
    "--tmpfs",
    "/var",
    "--dir",
    HOME,
    "--bind",
    HOME,
    HOME,
    "--setenv",
    "PATH",
    `/${PROGRAMS}:/usr/bin:/bin`,
    "--setenv",
    "LC_ALL",
    "C.UTF-8",
    "--",
    ...command,
  ];
}

const admin = (): postgres.Sql =>
  postgres({
    host: SOCKET_DIR,
    port: PORT,
    username: "postgres",
    database: "postgres",
    max: 1,
    onnotice: () => undefined,
  });

async function answers(): Promise<boolean> {
  const sql = admin();
  try {
    await sql`select 1`;
    return true;
  } catch {
    return false; // not up: what we came to find out
  } finally {
    await sql.end();
  }
}

/** Makes sure the cluster answers. Processes that come at the same time wait for the one that starts it. */
export async function ensureCluster(): Promise<void> {
  if (await answers()) return;
  mkdirSync(HOME, { recursive: true });
  const lock = join(HOME, "starting");
  try {
    mkdirSync(lock);
  } catch {
    // somebody is on it; a lock older than a minute belongs to somebody who died
    if (Date.now() - statSync(lock).mtimeMs > 60_000) rmSync(lock, { recursive: true, force: true });
    await waitUntil("the test cluster", answers, { timeoutMs: 60_000, everyMs: 200 });
    return;
  }
  try {
    if (!(await answers())) start();
    await waitUntil("the test cluster", answers, { timeoutMs: 60_000, everyMs: 100 });
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

const SETTINGS = [
  "listen_addresses=",
  `unix_socket_directories=${SOCKET_DIR}`,
  "shared_buffers=64MB",
  "max_connections=200",
  "jit=off",
];

/** The watcher stops the server when no client was there in three looks, twenty seconds apart. */
const WATCH = `
idle=0
while sleep 20; do
  n=$(psql -h ${SOCKET_DIR} -U postgres -Atc "select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()") || exit 0
  if [ "$n" = 0 ]; then idle=$((idle + 1)); else idle=0; fi
  [ $idle -ge 3 ] && exec pg_ctl -D ${DATA} -m fast stop
done`;

function start(): void {
  for (const directory of [HOME, SOCKET_DIR]) {
    mkdirSync(directory, { recursive: true });
    chownSync(directory, UID, UID);
  }
  if (!existsSync(join(DATA, "PG_VERSION"))) {
    rmSync(DATA, { recursive: true, force: true });
    run(
      inRoot(
        "initdb",
        "-D",
        DATA,
        "-U",
        "postgres",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--no-sync",
      ),
    );
  }
  writeFileSync(join(HOME, "watch.sh"), WATCH);
  const log = openSync(join(HOME, "log"), "a");
  const settings = SETTINGS.flatMap((setting) => ["-c", setting]);
  const [program = "", ...args] = inRoot(
    "sh",
    "-c",
    `postgres "$@" & sleep 5; sh ${HOME}/watch.sh; wait`,
    "sh",
    "-D",
    DATA,
    ...settings,
  );
  spawn(program, args, { detached: true, stdio: ["ignore", log, log] }).unref();
}

function run(command: string[]): void {
  const [program = "", ...args] = command;
  execFileSync(program, args, { stdio: ["ignore", "ignore", "pipe"] });
}

/** A connection that may create and drop databases. The caller ends it. */
export const adminConnection = admin;
