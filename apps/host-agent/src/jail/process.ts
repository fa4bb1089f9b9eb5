/**
 * Processes that outlive the agent: known by pid and start time, so that a reused pid is never taken for ours.
 */
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { readFile, readdir } from "node:fs/promises";
import type { Writable } from "node:stream";

import { unavailable } from "@andromede/base/errors";
import { waitUntil } from "@andromede/base/waiting";

/** A process, unmistakably. `bootId` tells the machine's runs apart. */
export type ProcessRecord = { pid: number; startTime: string; bootId: string };

let bootIdRead: Promise<string> | undefined;

/** Changes with each boot of the machine. */
export function bootId(): Promise<string> {
  bootIdRead ??= readFile("/proc/sys/kernel/random/boot_id", "utf8").then((text) => text.trim());
  return bootIdRead;
}

/** The kernel's start time of a process (field 22 of /proc/PID/stat); null when there is none, or only its zombie. */
export async function startTimeOf(pid: number): Promise<string | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    // The command's name, in parentheses, may contain anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}

/** Is that very process still there? */
export async function isAlive(record: ProcessRecord): Promise<boolean> {
  return record.bootId === (await bootId()) && (await startTimeOf(record.pid)) === record.startTime;
}

export type Started = { record: ProcessRecord; exited: Promise<{ code: number | null; signal: string | null }> };

/**
 * Starts a process in a session of its own, its output appended to a file: nothing of it depends on the agent's life.
 * `descriptors` become its 3, 4, and so on; after them come pipes that say `contents`.
 */
export async function startDetached(
  command: readonly string[],
  logPath: string,
  descriptors: readonly number[] = [],
  contents: readonly string[] = [],
): Promise<Started> {
  const [program = "", ...args] = command;
  const logFile = openSync(logPath, "a", 0o600);
  try {
    const child = spawn(program, args, {
      detached: true,
      stdio: ["ignore", logFile, logFile, ...descriptors, ...contents.map(() => "pipe" as const)],
      cwd: "/",
    });
    contents.forEach((content, at) => {
      const pipe = child.stdio[3 + descriptors.length + at] as Writable;
      // A process that ends without reading it is judged by that.
      pipe.on("error", () => undefined);
      pipe.end(content);
    });
    const exited = new Promise<{ code: number | null; signal: string | null }>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code, signal) => resolve({ code, signal }));
    });
    // Awaited by those who care.
    exited.catch(() => undefined);
    child.unref();
    if (child.pid === undefined) {
      await exited;
      throw unavailable(`${program} could not be started`);
    }
    const startTime = await startTimeOf(child.pid);
    return { record: { pid: child.pid, startTime: startTime ?? "", bootId: await bootId() }, exited };
  } finally {
    closeSync(logFile);
  }
}

/** Kills processes and waits until they are no more. */
export async function killProcesses(records: readonly ProcessRecord[]): Promise<void> {
  await Promise.all(
    records.map(async (record) => {
      if (!(await isAlive(record))) return;
      try {
        process.kill(record.pid, "SIGKILL");
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
      }
    }),
  );
  await untilGone(records, 10_000);
}

/** Waits until none of the processes is there. */
export async function untilGone(records: readonly ProcessRecord[], timeoutMs: number, everyMs = 5): Promise<void> {
  const gone = async (record: ProcessRecord): Promise<true> =>
    waitUntil(`end of process ${record.pid}`, async () => !(await isAlive(record)), { timeoutMs, everyMs });
  await Promise.all(records.map(gone));
}

/** A process's command line, element by element; empty when it is gone. */
export async function commandLineOf(pid: number): Promise<string[]> {
  const text = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  return text.split("\0");
}

/** Processes whose command line fits, oldest knowledge there is: for those whose record was lost. */
export async function findProcesses(fits: (commandLine: string[]) => boolean): Promise<ProcessRecord[]> {
  const boot = await bootId();
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid): Promise<ProcessRecord | null> => {
      if (!fits(await commandLineOf(pid))) return null;
      const startTime = await startTimeOf(pid);
      return startTime === null ? null : { pid, startTime, bootId: boot };
    }),
  );
  return found.filter((record) => record !== null);
}
