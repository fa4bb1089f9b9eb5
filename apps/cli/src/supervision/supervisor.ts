/**
 * The supervisor: keeps an instance's units running where systemd does not.
 *
 * It is a child of nobody's session and holds nothing that cannot be lost: what should run is in the unit files, what does
 * run is in the process records. Killed at any instant, the next supervisor reads both, adopts every process whose pid and
 * start time still match, and goes on; the processes never notice. Each unit leads a session of its own, and it and its
 * descendants carry the unit's marker in their environment: that, never a pid alone, is how they are known when the leader
 * is dead and they have been handed to process 1. (A pid that was noted may be somebody else's session by now.)
 *
 * One turn at a time for each unit (`busy`): a stop that is asked for during a start waits for it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, copyFileSync, mkdirSync, openSync, renameSync, statSync, truncateSync } from "node:fs";
import { connect } from "node:net";
import { dirname } from "node:path";

import { messageOf, notFound } from "@andromede/base/errors";
import type { Logger } from "@andromede/base/log";
import { waitUntil } from "@andromede/base/waiting";
import type { Unit } from "@andromede/engines/unit";

import {
  type ProcessIdentity,
  bootId,
  commandLine,
  isAlive,
  listProcesses,
  mainProcess,
  readProcess,
  signal,
  startEnvironment,
} from "./processes.ts";
import { type RestartHistory, planRestart } from "./restart-plan.ts";
import {
  type UnitDirectories,
  type UnitFile,
  definitionHash,
  prepareUnitStore,
  readRecord,
  readUnits,
  removeRecord,
  writeRecord,
  writeUnit,
} from "./unit-store.ts";

export type UnitState = "running" | "starting" | "waiting" | "restarting" | "stopping" | "stopped";

export type UnitStatus = {
  name: string;
  description: string;
  wanted: "running" | "stopped";
  state: UnitState;
  /** The process that matters, below bubblewrap. */
  pid: number | null;
  /** The process we started: session leader. */
  leader: number | null;
  since: number | null;
  restarts: number;
  lastExit: string | null;
  /** The definition that runs is not the one in the unit file. */
  outdated: boolean;
  log: string;
};

type Entry = {
  file: UnitFile;
  process: (ProcessIdentity & { startedAt: number; definition: string }) | null;
  history: RestartHistory;
  restarts: number;
  notBefore: number;
  lastExit: string | null;
  stopping: boolean;
  busy: Promise<void>;
};

const TICK_MS = 500;
const LARGEST_LOG_BYTES = 64 * 1024 * 1024;
const MARKER = "ANDROMEDE_UNIT";

export class Supervisor {
  readonly #instanceDirectory: string;
  readonly #directories: UnitDirectories;
  readonly #log: Logger;
  readonly #entries = new Map<string, Entry>();
  #timer: NodeJS.Timeout | undefined;
  #ticks = 0;

  constructor(instanceDirectory: string, directories: UnitDirectories, log: Logger) {
    this.#instanceDirectory = instanceDirectory;
    this.#directories = directories;
    this.#log = log;
    prepareUnitStore(directories);
  }

  /** Adopts what runs, starts what should, and goes on doing so. */
  start(): void {
    this.reload();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /** Stops looking; touches no process. */
  close(): void {
    clearInterval(this.#timer);
  }

  /** Reads the unit files again. Units whose file is gone are stopped and forgotten. */
  reload(): void {
    const files = readUnits(this.#directories);
    const names = new Set(files.map((file) => file.unit.name));
    for (const file of files) {
      const entry = this.#entries.get(file.unit.name);
      if (entry === undefined) this.#entries.set(file.unit.name, this.#adopt(file));
      else entry.file = file;
    }
    for (const [name, entry] of this.#entries) {
      if (!names.has(name))
        void this.#enqueue(entry, () => this.#stopProcess(entry)).then(() => this.#entries.delete(name));
    }
    this.#tick();
  }

  status(): UnitStatus[] {
    const all = listProcesses();
    return [...this.#entries.values()].map((entry) => {
      const { unit, wanted } = entry.file;
      return {
        name: unit.name,
        description: unit.description,
        wanted,
        state: this.#stateOf(entry),
        pid: entry.process === null ? null : (mainProcess(entry.process.pid, all)?.pid ?? null),
        leader: entry.process?.pid ?? null,
        since: entry.process?.startedAt ?? null,
        restarts: entry.restarts,
        lastExit: entry.lastExit,
        outdated: entry.process !== null && entry.process.definition !== definitionHash(unit),
        log: unit.log,
      };
    });
  }

  async startUnit(name: string): Promise<void> {
    const entry = this.#entry(name);
    this.#want(entry, "running");
    entry.notBefore = 0;
    await this.#enqueue(entry, () => this.#startIfDue(entry));
  }

  async stopUnit(name: string): Promise<void> {
    const entry = this.#entry(name);
    this.#want(entry, "stopped");
    await this.#enqueue(entry, () => this.#stopProcess(entry));
  }

  async restartUnit(name: string): Promise<void> {
    await this.stopUnit(name);
    await this.startUnit(name);
  }

  #entry(name: string): Entry {
    const entry = this.#entries.get(name);
    if (entry === undefined) throw notFound(`no unit ${name}`);
    return entry;
  }

  #want(entry: Entry, wanted: "running" | "stopped"): void {
    entry.file = { ...entry.file, wanted };
    writeUnit(this.#directories, entry.file);
  }

  #stateOf(entry: Entry): UnitState {
    if (entry.stopping) return "stopping";
    if (entry.process !== null) return "running";
    if (entry.file.wanted === "stopped") return "stopped";
    if (Date.now() < entry.notBefore) return "restarting";
    return entry.restarts === 0 ? "starting" : "waiting";
  }

  #enqueue(entry: Entry, work: () => Promise<void>): Promise<void> {
    const turn = entry.busy.then(work);
    entry.busy = turn.catch((error: unknown) => this.#log.error({ error, unit: entry.file.unit.name }, "turn failed"));
    return turn;
  }

  #tick(): void {
    this.#ticks += 1;
    for (const entry of this.#entries.values()) {
      if (entry.process !== null && !isAlive(entry.process)) this.#died(entry, "gone");
      if (entry.process === null && entry.file.wanted === "running" && Date.now() >= entry.notBefore) {
        void this.#enqueue(entry, () => this.#startIfDue(entry)).catch(() => undefined);
      }
      if (this.#ticks % 120 === 0) this.#rotate(entry.file.unit.log);
    }
  }

  /** The process that the record, or failing that the machine, says belongs to this unit. */
  #adopt(file: UnitFile): Entry {
    const entry: Entry = {
      file,
      process: null,
      history: { quickDeaths: 0 },
      restarts: 0,
      notBefore: 0,
      lastExit: null,
      stopping: false,
      busy: Promise.resolve(),
    };
    const record = readRecord(this.#directories, file.unit.name);
    if (record !== null && record.bootId === bootId()) {
      if (isAlive(record)) {
        entry.process = record;
        this.#log.info({ unit: file.unit.name, process: record.pid }, "adopted");
        return entry;
      }
      this.#killLeftovers(file.unit);
    }
    const unrecorded = this.#findUnrecorded(file.unit);
    if (unrecorded !== null) {
      entry.process = { ...unrecorded, startedAt: Date.now(), definition: definitionHash(file.unit) };
      this.#remember(entry);
      this.#log.info({ unit: file.unit.name, process: unrecorded.pid }, "adopted without a record");
    }
    return entry;
  }

  /** A process started by a supervisor that was killed before it could write the record. */
  #findUnrecorded(unit: Unit): ProcessIdentity | null {
    const marker = `${MARKER}=${this.#markerOf(unit)}`;
    const wanted = unit.argv.join("\0");
    return (
      listProcesses().find(
        (stat) =>
          stat.session === stat.pid &&
          commandLine(stat.pid).join("\0") === wanted &&
          startEnvironment(stat.pid).includes(marker),
      ) ?? null
    );
  }

  #markerOf(unit: Unit): string {
    return `${this.#instanceDirectory}#${unit.name}`;
  }

  async #startIfDue(entry: Entry): Promise<void> {
    if (entry.process !== null || entry.file.wanted !== "running" || Date.now() < entry.notBefore) return;
    if (!(await this.#dependenciesReady(entry.file.unit))) return;
    const { unit } = entry.file;
    this.#rotate(unit.log);
    const child = this.#spawn(unit);
    const stat = child.pid === undefined ? null : readProcess(child.pid);
    if (stat === null) {
      entry.notBefore = Date.now() + this.#delay(entry, 0);
      return;
    }
    entry.process = {
      pid: stat.pid,
      startTime: stat.startTime,
      startedAt: Date.now(),
      definition: definitionHash(unit),
    };
    this.#remember(entry);
    this.#log.info({ unit: unit.name, process: stat.pid }, "started");
    const started = entry.process;
    child.once("exit", (code, by) => {
      if (entry.process === started) this.#died(entry, by === null ? `exit code ${code}` : by);
    });
  }

  #spawn(unit: Unit): ChildProcess {
    mkdirSync(dirname(unit.log), { recursive: true });
    const log = openSync(unit.log, "a", 0o640);
    try {
      const [program, ...args] = unit.argv;
      const child = spawn(program ?? "false", args, {
        detached: true,
        cwd: "/",
        stdio: ["ignore", log, log],
        env: { ...unit.environment, [MARKER]: this.#markerOf(unit) },
      });
      child.once("error", (error) => this.#log.error({ error, unit: unit.name }, "cannot be started"));
      child.unref();
      return child;
    } finally {
      closeSync(log);
    }
  }

  #remember(entry: Entry): void {
    if (entry.process === null) return;
    const { pid, startTime, startedAt, definition } = entry.process;
    writeRecord(this.#directories, entry.file.unit.name, { pid, startTime, startedAt, definition, bootId: bootId() });
  }

  async #dependenciesReady(unit: Unit): Promise<boolean> {
    const needed = unit.after.map((name) => this.#entries.get(name)).filter((entry) => entry !== undefined);
    const ready = await Promise.all(
      needed.map(
        async ({ process, file }) =>
          process !== null && (file.unit.readySocket === undefined || (await accepts(file.unit.readySocket))),
      ),
    );
    return ready.every(Boolean);
  }

  #delay(entry: Entry, livedMs: number): number {
    const plan = planRestart(entry.history, livedMs);
    entry.history = plan.history;
    return plan.delayMs;
  }

  #died(entry: Entry, how: string): void {
    const { unit } = entry.file;
    const lived = entry.process;
    if (lived === null) return;
    entry.process = null;
    entry.lastExit = how;
    removeRecord(this.#directories, unit.name);
    this.#killLeftovers(unit);
    if (entry.stopping || entry.file.wanted === "stopped") {
      this.#log.info({ unit: unit.name, process: lived.pid, how }, "stopped");
      return;
    }
    const delayMs = this.#delay(entry, Date.now() - lived.startedAt);
    entry.restarts += 1;
    entry.notBefore = Date.now() + delayMs;
    this.#log.warn({ unit: unit.name, process: lived.pid, how, delayMs }, "died");
    setTimeout(() => this.#tick(), delayMs + 1).unref();
  }

  /** A jail whose outermost process was killed leaves the program inside it running, out of anybody's sight. */
  #killLeftovers(unit: Unit): void {
    if (unit.kill !== "tree") return;
    const marker = `${MARKER}=${this.#markerOf(unit)}`;
    for (const stat of listProcesses()) {
      if (!startEnvironment(stat.pid).includes(marker)) continue;
      this.#log.warn({ unit: unit.name, process: stat.pid, command: stat.command }, "left over: killed");
      signal(stat, "SIGKILL");
    }
  }

  async #stopProcess(entry: Entry): Promise<void> {
    const { unit } = entry.file;
    const running = entry.process;
    if (running === null) return;
    entry.stopping = true;
    try {
      const main = mainProcess(running.pid);
      signal(main ?? running, unit.stopSignal);
      await this.#gone(running, unit.stopTimeoutMs).catch(async (error: unknown) => {
        this.#log.warn({ unit: unit.name, why: messageOf(error) }, "does not stop: killed");
        if (unit.kill === "tree") this.#killLeftovers(unit);
        else signal(running, "SIGKILL");
        await this.#gone(running, 10_000);
      });
      if (entry.process === running) this.#died(entry, unit.stopSignal);
    } finally {
      entry.stopping = false;
    }
  }

  #gone(running: ProcessIdentity, timeoutMs: number): Promise<boolean> {
    return waitUntil(`end of process ${running.pid}`, () => !isAlive(running), { timeoutMs, everyMs: 20 });
  }

  /** Copied and cut, not renamed: the process keeps the file open and goes on appending to it. */
  #rotate(log: string): void {
    try {
      if (statSync(log).size < LARGEST_LOG_BYTES) return;
      copyFileSync(log, `${log}.1.new`);
      renameSync(`${log}.1.new`, `${log}.1`);
      truncateSync(log);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT"))
        this.#log.error({ error, log }, "log not rotated");
    }
  }
}

/** Whether somebody accepts connections on a unix socket. */
export function accepts(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    const answer = (yes: boolean) => (): void => {
      socket.destroy();
      resolve(yes);
    };
    socket.once("connect", answer(true));
    socket.once("error", answer(false));
    socket.setTimeout(1_000, answer(false));
  });
}
