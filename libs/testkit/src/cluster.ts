/**
 * One private PostgreSQL cluster a machine for tests: started by whoever needs it first, stopped by its own watcher
 * once nobody has been connected for a minute. Nothing to start by hand, nothing left behind.
 */
import { execFileSync, spawn } from "node:child_process";
import {
  chownSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from "node:fs";
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

/** What PostgreSQL says while it starts (57P03) and when all its connections are taken (53300): it is well, and waits. */
const FOR_NOW = ["57P03", "53300"];

async function look(): Promise<"answers" | "not yet" | "no"> {
  const sql = admin();
  try {
    await sql`select 1`;
    return "answers";
  } catch (error) {
    // not up: what we came to find out
    return FOR_NOW.includes(String((error as { code?: unknown }).code)) ? "not yet" : "no";
  } finally {
    await sql.end();
  }
}

const answers = async (): Promise<boolean> => (await look()) === "answers";

const LOCK = join(HOME, "starting");

/** Takes the right to start the cluster. The lock names who holds it: that of a process that was killed holds nobody up. */
function takeLock(): boolean {
  mkdirSync(HOME, { recursive: true });
  try {
    symlinkSync(String(process.pid), LOCK);
    return true;
  } catch {
    if (!existsSync(`/proc/${holder()}`)) rmSync(LOCK, { recursive: true, force: true });
    return false;
  }
}

function holder(): string {
  try {
    return readlinkSync(LOCK);
  } catch {
    return "nobody"; // given back between two looks
  }
}

/** Makes sure the cluster answers. Processes that come at the same time wait for the one that starts it. */
export async function ensureCluster(): Promise<void> {
  await waitUntil("the test cluster", async () => (await answers()) || (await startUnlessOthersDo()), {
    timeoutMs: 120_000,
    everyMs: 100,
  });
}

async function startUnlessOthersDo(): Promise<boolean> {
  if (!takeLock()) return false;
  try {
    if ((await look()) === "no") {
      await endUnusable();
      start();
    }
    return await waitUntil("the test cluster's start", answers, { timeoutMs: 60_000, everyMs: 50 });
  } finally {
    rmSync(LOCK, { force: true });
  }
}

/**
 * A server whose engine root was deleted while it ran lives on and refuses everybody, its shared memory gone with the
 * root. It would keep a new one from starting.
 */
async function endUnusable(): Promise<void> {
  const record = join(DATA, "postmaster.pid");
  const pid = existsSync(record) ? Number(readFileSync(record, "utf8").split("\n")[0]) : Number.NaN;
  const isOurs = (): boolean =>
    existsSync(`/proc/${pid}/cmdline`) && readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes(DATA);
  if (!isOurs()) return;
  process.kill(pid, "SIGQUIT");
  await waitUntil("the unusable test cluster's end", () => !isOurs(), { timeoutMs: 20_000, everyMs: 50 });
}

const SETTINGS = [
  "listen_addresses=",
  `unix_socket_directories=${SOCKET_DIR}`,
  "shared_buffers=64MB",
  "max_connections=200",
  "jit=off",
  // what a test writes need not outlive the machine
  "fsync=off",
  "synchronous_commit=off",
  "full_page_writes=off",
];

/**
 * Runs the server, and stops it when no client was there in three looks, twenty seconds apart; at once when it cannot look
 * because the engine root is gone: then not even `sleep` is left, only what the shell has built in.
 */
const SERVE_AND_WATCH = `
postgres "$@" &
server=$!
idle=0
while sleep 20; do
  n=$(psql -h ${SOCKET_DIR} -U postgres -Atc "select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()") || n=0
  if [ "$n" = 0 ]; then idle=$((idle + 1)); else idle=0; fi
  if [ $idle -ge 3 ]; then break; fi
done
kill -INT $server
wait`;

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
  const log = openSync(join(HOME, "log"), "a");
  const settings = SETTINGS.flatMap((setting) => ["-c", setting]);
  const [program = "", ...args] = inRoot("sh", "-c", SERVE_AND_WATCH, "sh", "-D", DATA, ...settings);
  spawn(program, args, { detached: true, stdio: ["ignore", log, log] }).unref();
}

function run(command: string[]): string {
  const [program = "", ...args] = command;
  return execFileSync(program, args, { stdio: ["ignore", "pipe", "pipe"], encoding: "utf8" });
}

/** What one of PostgreSQL's own programs says about a database of the cluster: `pg_dump`, say. */
export function runClient(program: string, database: string, ...args: string[]): string {
  return run(inRoot(program, "-h", SOCKET_DIR, "-p", String(PORT), "-U", "postgres", ...args, database));
}

/** A connection that may create and drop databases. The caller ends it. */
export const adminConnection = admin;
