/**
 * Who restarts the supervisor: a shell loop in a session of its own, small enough not to fail. They watch each other: the
 * loop starts the supervisor again when it dies, and a supervisor whose loop is gone starts another loop. A file lock
 * makes sure that there is one supervisor, however many loops; the file `keep` says whether there should be one at all.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, openSync, closeSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import type { Logger } from "@andromede/base/log";
import { waitUntil } from "@andromede/base/waiting";
import { runCommand } from "@andromede/engines/run-command";

import { compileCache } from "../instance/paths.ts";
import { askSupervisor } from "./control.ts";
import { readProcess } from "./processes.ts";

export type KeeperFiles = { keep: string; lock: string; socket: string; log: string };

export const keeperFiles = (instanceDirectory: string): KeeperFiles => ({
  keep: join(instanceDirectory, "run", "supervisor.keep"),
  lock: join(instanceDirectory, "run", "supervisor.lock"),
  socket: join(instanceDirectory, "run", "supervisor.sock"),
  log: join(instanceDirectory, "log", "supervisor.log"),
});

/** $1 keep file, $2 lock file, the rest is the supervisor's command. */
const LOOP = `keep=$1 lock=$2; shift 2
while [ -e "$keep" ]; do flock -x "$lock" "$@"; [ -e "$keep" ] && sleep 0.2; done`;

const MAIN = fileURLToPath(new URL("supervisor-main.ts", import.meta.url));

/** It does little, and holds little. */
const NODE_FLAGS = ["--max-old-space-size=48", "--max-semi-space-size=1", "--expose-gc"];

/** One that is told nothing loads its modules and ends: the ones that stay then find them compiled. */
const fillCompileCache = (instanceDirectory: string): Promise<string> =>
  runCommand([process.execPath, ...NODE_FLAGS, MAIN], {
    environment: environmentOf(instanceDirectory),
    timeoutMs: 20_000,
    label: "supervisor",
  });

const environmentOf = (instanceDirectory: string): { [name: string]: string } => ({
  PATH: process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin",
  ANDROMEDE_SUPERVISOR: instanceDirectory,
  NODE_COMPILE_CACHE: compileCache(instanceDirectory, "supervisor"),
});

function startKeeper(instanceDirectory: string): void {
  const files = keeperFiles(instanceDirectory);
  const log = openSync(files.log, "a", 0o640);
  try {
    spawn(
      "sh",
      [
        "-c",
        LOOP,
        "andromede-keeper",
        files.keep,
        files.lock,
        process.execPath,
        ...NODE_FLAGS,
        MAIN,
        instanceDirectory,
      ],
      {
        detached: true,
        cwd: "/",
        stdio: ["ignore", log, log],
        env: environmentOf(instanceDirectory),
      },
    ).unref();
  } finally {
    closeSync(log);
  }
}

/** Makes sure a supervisor runs and answers. Idempotent. Gives its pid. */
export async function ensureSupervisor(instanceDirectory: string): Promise<number> {
  const files = keeperFiles(instanceDirectory);
  mkdirSync(join(instanceDirectory, "run"), { recursive: true, mode: 0o755 });
  mkdirSync(join(instanceDirectory, "log"), { recursive: true, mode: 0o755 });
  if (existsSync(files.keep)) {
    const pid = await answeringPid(files.socket);
    if (pid !== null) return pid;
  }
  await fillCompileCache(instanceDirectory);
  writeFileSync(files.keep, "");
  startKeeper(instanceDirectory);
  return waitUntil("the supervisor", async () => (await answeringPid(files.socket)) ?? undefined, {
    timeoutMs: 20_000,
  });
}

/** null when no supervisor answers. */
export async function answeringPid(socket: string): Promise<number | null> {
  try {
    return (await askSupervisor(socket, { do: "status" }, 5_000)).pid;
  } catch {
    return null;
  }
}

/** Ends the supervisor and its loop; the units' processes are left as they are. */
export async function stopSupervisor(instanceDirectory: string): Promise<void> {
  const files = keeperFiles(instanceDirectory);
  rmSync(files.keep, { force: true });
  const pid = await answeringPid(files.socket);
  if (pid === null) return;
  await askSupervisor(files.socket, { do: "exit" });
  await waitUntil("the supervisor's end", () => readProcess(pid) === null, { timeoutMs: 10_000 });
  rmSync(files.socket, { force: true });
}

/** The supervisor's half of watching each other: without a loop above us, start one (it waits for our lock). */
export function watchKeeper(instanceDirectory: string, log: Logger): void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    if (!existsSync(keeperFiles(instanceDirectory).keep)) return;
    log.warn("the loop that restarts this supervisor is gone: starting another");
    startKeeper(instanceDirectory);
  }, 1_000);
}
