/** What /proc says about processes. A process is named by pid and start time: a pid alone may be somebody else's by now. */
import { readFileSync, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";

export type ProcessIdentity = { pid: number; startTime: number };
export type ProcessStat = ProcessIdentity & { command: string; state: string; parent: number; session: number };

/** This boot of the machine: pids of another boot mean nothing. */
export const bootId = (): string => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();

/** Parses /proc/PID/stat; the command is in brackets and may itself hold brackets and blanks. */
export function parseStat(text: string): ProcessStat {
  const open = text.indexOf("(");
  const close = text.lastIndexOf(")");
  const rest = text.slice(close + 2).split(" ");
  return {
    pid: Number(text.slice(0, open - 1)),
    command: text.slice(open + 1, close),
    state: rest[0] ?? "?",
    parent: Number(rest[1]),
    session: Number(rest[3]),
    startTime: Number(rest[19]),
  };
}

/** null when there is no such process, or only its zombie. */
export function readProcess(pid: number): ProcessStat | null {
  try {
    const stat = parseStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
    return stat.state === "Z" || stat.state === "X" ? null : stat;
  } catch {
    // gone between two looks: the same as never there
    return null;
  }
}

export const isAlive = (identity: ProcessIdentity): boolean =>
  readProcess(identity.pid)?.startTime === identity.startTime;

/** Every process that can be seen now. */
export function listProcesses(): ProcessStat[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readProcess(Number(name)))
    .filter((stat) => stat !== null);
}

/** The processes whose session was opened by `leader`, whoever their parent is by now. */
export const processesOfSession = (leader: number): ProcessStat[] =>
  listProcesses().filter((stat) => stat.session === leader);

/** `pid` and all that descend from it. */
export function processTree(pid: number, all: ProcessStat[] = listProcesses()): ProcessStat[] {
  const root = all.find((stat) => stat.pid === pid);
  if (root === undefined) return [];
  const tree = [root];
  for (const member of tree) tree.push(...all.filter((stat) => stat.parent === member.pid));
  return tree;
}

/** bubblewrap stays as the parent of what it runs: the process that matters is the first below it that is not bubblewrap. */
export function mainProcess(pid: number, all: ProcessStat[] = listProcesses()): ProcessStat | null {
  return processTree(pid, all).find((stat) => stat.command !== "bwrap") ?? null;
}

/** The command line of a process; empty when it is gone. */
export function commandLine(pid: number): string[] {
  return readNullSeparated(`/proc/${pid}/cmdline`);
}

/** The environment a process was started with; empty when it is gone or is a kernel thread. */
export function startEnvironment(pid: number): string[] {
  return readNullSeparated(`/proc/${pid}/environ`);
}

function readNullSeparated(file: string): string[] {
  try {
    const text = readFileSync(file, "utf8");
    return text.replace(/\0$/, "").split("\0");
  } catch {
    return [];
  }
}

/** Memory of these processes, pages shared between them counted once (PSS), in KiB. */
export async function memoryKib(processes: ProcessIdentity[]): Promise<number> {
  const parts = await Promise.all(
    processes.map(async ({ pid }) => {
      try {
        return Number(/^Pss:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0);
      } catch {
        return 0;
      }
    }),
  );
  return parts.reduce((sum, part) => sum + part, 0);
}

/** Sends a signal; false when the process is not there any more. Checks the identity first. */
export function signal(identity: ProcessIdentity, name: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false;
  try {
    process.kill(identity.pid, name);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return false;
    throw error;
  }
}
