import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import type { InstanceConfig } from "../instance/instance-config.ts";
import type { InstancePaths } from "../instance/paths.ts";
import type { KvmVerdict } from "../kvm/kvm-probe.ts";
import { duration, report, reportJson, table } from "../output.ts";
import { chooseManager } from "../supervision/choose-manager.ts";
import { keeperFiles, answeringPid } from "../supervision/keeper.ts";
import {
  bootId,
  listProcesses,
  memoryKib,
  processTree,
  processesOfSession,
  readProcess,
} from "../supervision/processes.ts";
import type { UnitState, UnitStatus } from "../supervision/supervisor.ts";
import { planeUrl } from "../units/plane-urls.ts";
import { openInstance } from "./opened-instance.ts";

export type ProgramStatus = {
  name: string;
  description: string;
  state: UnitState;
  pid: number | null;
  memoryMib: number | null;
  /** ISO 8601. */
  since: string | null;
  restarts: number;
  lastExit: string | null;
  log: string;
};

export type Status = {
  instance: string;
  backend: string;
  customerUrl: string;
  operatorUrl: string;
  accelerator: string;
  acceleratorReason: string;
  supervision: "systemd" | "supervisor";
  programs: ProgramStatus[];
  memoryMib: number;
  up: boolean;
};

/** `andromede status`: exit code 0 when all that should run does, 3 when not (as service managers answer). */
export async function status(command: { instance: string; data: string; json: boolean }): Promise<number> {
  const { paths, config } = await openInstance(command);
  const found = await collectStatus(paths, config);
  if (command.json) reportJson(found);
  else report(render(found, Date.now()));
  return found.up ? 0 : 3;
}

export async function collectStatus(paths: InstancePaths, config: InstanceConfig): Promise<Status> {
  const manager = chooseManager(paths.instance, paths.directory);
  const units = await manager.status();
  const supervisor = manager.kind === "supervisor" && units.length > 0 ? [await supervisorStatus(paths)] : [];
  const programs = [...(await Promise.all(units.map(programStatus))), ...supervisor];
  const verdict = await acceleratorOf(paths, config);
  return {
    instance: config.instance,
    backend: config.backend,
    customerUrl: planeUrl({ config }, "customer"),
    operatorUrl: planeUrl({ config }, "operator"),
    accelerator: verdict.accelerator,
    acceleratorReason: verdict.reason,
    supervision: manager.kind,
    programs,
    memoryMib: round(programs.reduce((sum, { memoryMib }) => sum + (memoryMib ?? 0), 0)),
    // after "down --keep-guests" the engines run, and nobody serves
    up: programs.some(({ name }) => name === "control-plane") && programs.every(({ state }) => state === "running"),
  };
}

async function programStatus(unit: UnitStatus): Promise<ProgramStatus> {
  return {
    name: unit.name,
    description: unit.description,
    state: unit.state,
    pid: unit.pid,
    memoryMib: unit.leader === null ? null : await unitMemoryMib(unit.leader),
    since: unit.since === null ? null : new Date(unit.since).toISOString(),
    restarts: unit.restarts,
    lastExit: unit.lastExit,
    log: unit.log,
  };
}

/** Of everything in the unit's tree and session, but not of what lives in a session of its own below it (an agent's guests). */
async function unitMemoryMib(leader: number): Promise<number> {
  const all = listProcesses();
  const session = processesOfSession(leader);
  const jailed = processTree(leader, all).filter(({ command }) => command === "postgres");
  const members = new Map([...session, ...jailed].map((stat) => [stat.pid, stat]));
  return round((await memoryKib([...members.values()])) / 1024);
}

async function supervisorStatus(paths: InstancePaths): Promise<ProgramStatus> {
  const files = keeperFiles(paths.directory);
  const pid = await answeringPid(files.socket);
  const stat = pid === null ? null : readProcess(pid);
  return {
    name: "supervisor",
    description: "restarts what dies",
    state: stat === null ? "stopped" : "running",
    pid,
    memoryMib: stat === null ? null : round((await memoryKib([stat])) / 1024),
    since: stat === null ? null : new Date(startedAt(stat.startTime, await bootedAt())).toISOString(),
    restarts: 0,
    lastExit: null,
    log: files.log,
  };
}

/** Start times are in clock ticks after boot; Linux shows 100 of them a second whatever the kernel's own rate. */
const startedAt = (startTime: number, bootedAtMs: number): number => bootedAtMs + startTime * 10;
const bootedAt = async (): Promise<number> =>
  Number(/^btime (\d+)$/m.exec(await readFile("/proc/stat", "utf8"))?.[1] ?? 0) * 1000;

async function acceleratorOf(
  paths: InstancePaths,
  config: InstanceConfig,
): Promise<{ accelerator: string; reason: string }> {
  if (config.backend === "simulated") return { accelerator: "none", reason: "simulated hosts" };
  const file = join(paths.data, "kvm-probe.json");
  if (!existsSync(file)) return { accelerator: "unknown", reason: "not probed yet" };
  const verdict = JSON.parse(await readFile(file, "utf8")) as KvmVerdict;
  return verdict.bootId === bootId()
    ? verdict
    : { accelerator: "unknown", reason: 'not probed since this machine was booted; "andromede up" does' };
}

const round = (value: number): number => Math.round(value * 10) / 10;

/** Pure. */
export function render(found: Status, now: number): string {
  const rows = found.programs.map(({ name, state, pid, memoryMib, since, restarts }) => [
    name,
    state,
    pid === null ? "-" : String(pid),
    memoryMib === null ? "-" : `${memoryMib.toFixed(1)} MiB`,
    since === null ? "-" : duration(now - Date.parse(since)),
    restarts === 0 ? "" : `restarted ${restarts} times`,
  ]);
  return [
    `instance     ${found.instance} (${found.backend}), supervised by ${found.supervision === "systemd" ? "systemd" : "its own supervisor"}`,
    `customers    ${found.customerUrl}`,
    `operators    ${found.operatorUrl}`,
    `accelerator  ${found.accelerator.toUpperCase()}: ${found.acceleratorReason}`,
    "",
    found.programs.length === 0
      ? 'nothing runs; "andromede up" starts it'
      : table([["program", "state", "pid", "memory", "for", ""], ...rows]),
    ...(found.programs.length === 0 ? [] : ["", `memory       ${found.memoryMib.toFixed(1)} MiB`]),
  ].join("\n");
}
