/**
 * A guest's process on this host, from its launch to its end, across the agent's restarts.
 *
 * What is on disk (guest-jail.ts, GuestPaths) and what runs is the truth; the fields here are a copy of it, kept up to
 * date by QMP's events. Rules that make a crash at any instant harmless:
 * - `process.json` says "running" before the guest's first instruction: a process that ends later did run, one that a
 *   restarted agent finds without that word did not, and is thrown away.
 * - `suspended.json` exists exactly while the saved state may be resumed: written when that is whole and synced, removed
 *   before the resumed guest's first instruction, since from then on its disks move on.
 * - `machine.json` is written before a device is plugged, and after one is unplugged.
 */
import { chown, constants, mkdir, open, stat, truncate } from "node:fs/promises";

import { messageOf, noCapacity, unavailable } from "@andromede/base/errors";
import type { Logger } from "@andromede/base/log";
import { waitUntil } from "@andromede/base/waiting";
import * as qmp from "@andromede/qmp/commands";
import { type QmpEvent, type QmpMonitor, connectMonitor } from "@andromede/qmp/monitor";

import type { GuestProcess } from "../backend.ts";
import { readIfThere, removePath, syncDirectory, writeAtomically, writeDurably } from "../durable.ts";
import { type Device, jailCommand } from "../jail/jail.ts";
import { type ProcessRecord, bootId, findProcesses, killProcesses, startDetached, untilGone } from "../jail/process.ts";
import { GuestConsole } from "./console.ts";
import { KVM_FD, guestCommand } from "./guest-command.ts";
import { type GuestPaths, guestJail, runPath } from "./guest-jail.ts";
import { forgetKeys, keysFor, qemuAmong } from "./guest-keys.ts";
import { type MachineLayout, layoutFrom } from "./layout.ts";
import { limitDisks, settleVolumes } from "./volume-nodes.ts";
import { socketPath } from "@andromede/qmp/socket-path";

export type GuestProcessOptions = {
  id: string;
  processName: string;
  paths: GuestPaths;
  engineRoot: string;
  namespacePath: string | null;
  tun: () => Device;
  user: { uid: number; gid: number };
  imagePath: (imageId: string) => string;
  volumesDirectory: string | null;
  log: Logger;
  changed: () => void;
  /** What became of volumes that an earlier agent was plugging or unplugging is known. */
  settled: (layout: MachineLayout) => Promise<void>;
};

/** `keys`: of the encrypted volumes, by disk. */
export type LaunchOptions = { resume: boolean; cgroups: readonly string[]; keys: ReadonlyMap<string, string> };

type ProcessFile = ProcessRecord & { phase: "starting" | "running" };

/** A panicked or sleeping guest is on; what it does there is its owner's affair. */
const RUNNING_STATES: ReadonlySet<qmp.RunState> = new Set<qmp.RunState>([
  "running",
  "guest-panicked",
  "suspended",
  "watchdog",
]);
const MAX_LOG_BYTES = 1024 * 1024;
const GREETING_TIMEOUT_MS = 30_000;
const QUIT_TIMEOUT_MS = 5_000;
const MIGRATION_TIMEOUT_MS = 600_000;
const RECONNECT_MS = 1_000;
/** No disk is the limit of how fast memory is saved to it, the disk is. */
const UNLIMITED_BYTES_PER_S = 2 ** 40;

export class GuestMachine {
  process: GuestProcess = "none";
  exited = false;
  died = false;
  stateSaved = false;
  layout: MachineLayout | null = null;
  readonly #options: GuestProcessOptions;
  readonly #log: Logger;
  #monitor: QmpMonitor | null = null;
  #console: GuestConsole | null = null;
  /** Resolves when the process is gone and the fields say so. */
  #ended: Promise<void> = Promise.resolve();
  /** We are ending it: its end is no news. */
  #ending = false;
  /** Why the last launch came to nothing after all. */
  #earlyEnd: string | null = null;
  #ioError = false;
  /** QEMU has said that it ends: the guest switched itself off, or somebody asked QEMU to. */
  #shutDown = false;
  #closed = false;
  /** Only the newest watch has a say. */
  #watches = 0;

  constructor(options: GuestProcessOptions) {
    this.#options = options;
    this.#log = options.log.child({ guest: options.id });
  }

  /** Takes over what an earlier agent left. `alive`: the guest's processes, if any run. */
  async adopt(alive: readonly ProcessRecord[]): Promise<void> {
    const { paths } = this.#options;
    this.stateSaved = (await readIfThere(paths.suspended)) !== null;
    const written = parse<MachineLayout>(await readIfThere(paths.machine));
    this.layout = written === null ? null : layoutFrom(written);
    const record = parse<ProcessFile>(await readIfThere(paths.process));
    const ran = record?.phase === "running" && record.bootId === (await bootId());
    if (alive.length === 0) {
      // After a reboot of the machine the guest is simply started again.
      this.exited = ran;
      if (!ran) await removePath(paths.process);
      return;
    }
    if (!ran || this.layout === null) {
      this.#log.info("a guest that had not begun to run is started anew");
      await killProcesses(alive);
      await removePath(paths.process);
      return;
    }
    this.process = "running";
    this.#watch(alive);
    try {
      await this.#connect(5_000, true);
      this.#log.info({ process: this.process }, "guest adopted");
    } catch (error) {
      this.#log.warn({ error }, "a running guest does not answer yet");
      this.#reconnect();
    }
  }

  /** Starts QEMU for the layout; it waits, not having run an instruction. */
  async launch(layout: MachineLayout, options: LaunchOptions): Promise<void> {
    if (this.#earlyEnd !== null) {
      const why = this.#earlyEnd;
      this.#earlyEnd = null;
      throw unavailable("The server's process ended before the server ran", { cause: why });
    }
    const { paths, user } = this.#options;
    await removePath(paths.qmpSocket);
    await mkdir(paths.run, { recursive: true, mode: 0o700 });
    await chown(paths.run, user.uid, user.gid);
    await writeAtomically(paths.machine, JSON.stringify(layout));
    this.layout = layout;
    this.#ending = false;
    this.#ioError = false;
    this.#shutDown = false;
    const started = await this.#start(layout, options);
    try {
      await writeAtomically(
        paths.process,
        JSON.stringify({ ...started.record, phase: "starting" } satisfies ProcessFile),
      );
      const endedEarly = started.exited.then(async ({ code, signal }) => {
        throw unavailable("The server's process could not start", {
          cause: `${code ?? signal}: ${await this.#lastWords()}`,
        });
      });
      endedEarly.catch(() => undefined);
      await Promise.race([this.#connect(GREETING_TIMEOUT_MS, false), endedEarly]);
      this.#watch(null);
      await forgetKeys(await this.#processes(), layout);
      await limitDisks(this.#connected(), layout);
      if (options.resume) await this.#loadState();
      this.process = "starting";
    } catch (error) {
      await this.kill();
      throw error;
    }
  }

  /** Lets a launched guest run. */
  async begin(): Promise<void> {
    const { paths } = this.#options;
    const monitor = this.#connected();
    if (this.stateSaved) {
      await removePath(paths.suspended);
      await syncDirectory(paths.directory);
      this.stateSaved = false;
    }
    const record = parse<ProcessFile>(await readIfThere(paths.process));
    if (record === null) throw unavailable("the guest's process is not known");
    await writeAtomically(paths.process, JSON.stringify({ ...record, phase: "running" } satisfies ProcessFile));
    await qmp.cont(monitor);
    this.process = "running";
    await removePath(paths.savedState);
  }

  async pause(): Promise<void> {
    await qmp.stop(this.#connected());
    this.process = "paused";
  }

  async resume(): Promise<void> {
    if (this.#ioError) {
      this.#ioError = false;
      throw noCapacity("The host has no space left for the server's disk: the server is paused until there is");
    }
    await qmp.cont(this.#connected());
    this.process = "running";
  }

  async askShutdown(): Promise<void> {
    await qmp.systemPowerdown(this.#connected());
  }

  /** Ends the process, by asking QEMU, which then closes its disks properly; else by force. */
  async kill(): Promise<void> {
    this.#ending = true;
    const processes = await this.#processes();
    if (this.#monitor !== null) {
      try {
        await qmp.quit(this.#monitor);
        await untilGone(processes, QUIT_TIMEOUT_MS);
      } catch (error) {
        this.#log.warn({ reason: messageOf(error) }, "QEMU did not quit, is killed");
      }
    }
    await killProcesses(processes);
    await this.#ended;
    this.#monitor?.close();
    this.#monitor = null;
    await this.#console?.close();
    this.#console = null;
    this.process = "none";
    this.exited = false;
    this.died = false;
    await removePath(this.#options.paths.process);
  }

  /** Writes memory and devices to disk. The process then only has to go. */
  async suspend(): Promise<void> {
    const { paths } = this.#options;
    const monitor = this.#connected();
    const wasRunning = this.process === "running";
    // A second migration out of the state that a first one left is refused.
    if ((await qmp.queryStatus(monitor)) === "postmigrate") await qmp.cont(monitor);
    await qmp.stop(monitor);
    await removePath(paths.savedState);
    try {
      await qmp.setMigrationParameters(monitor, { "max-bandwidth": UNLIMITED_BYTES_PER_S });
      await this.#migration(monitor, () => qmp.migrate(monitor, `file:${runPath("state")}`));
      await syncFile(paths.savedState);
      await writeDurably(paths.suspended, JSON.stringify({ state: runPath("state") }));
    } catch (error) {
      await removePath(paths.savedState);
      if (wasRunning) await qmp.cont(monitor);
      throw error;
    }
    this.stateSaved = true;
    this.process = "saved";
  }

  async discardSaved(): Promise<void> {
    const { paths } = this.#options;
    await removePath(paths.suspended);
    this.stateSaved = false;
    await removePath(paths.savedState);
  }

  async acknowledgeExit(): Promise<void> {
    await removePath(this.#options.paths.process);
    this.exited = false;
    this.died = false;
  }

  /** The monitor, for what is done to a running guest (guest-devices.ts). */
  get monitor(): QmpMonitor {
    return this.#connected();
  }

  /** QEMU's own process, of those that wrap it. */
  async qemuPid(): Promise<number | null> {
    return this.process === "none" ? null : qemuAmong(await this.#processes());
  }

  async setLayout(layout: MachineLayout): Promise<void> {
    await this.announceLayout(layout);
    this.layout = layout;
  }

  /** Writes down what is about to be, for an agent that comes after a crash; here it holds from `setLayout` on. */
  async announceLayout(layout: MachineLayout): Promise<void> {
    await writeAtomically(this.#options.paths.machine, JSON.stringify(layout));
  }

  get console(): GuestConsole {
    return this.#console ?? new GuestConsole(this.#options.paths.console, this.#log);
  }

  /** What QEMU itself says is little, but a guest could provoke it; the file is opened for appending, so this is safe. */
  async trimLog(): Promise<void> {
    const { log } = this.#options.paths;
    const { size } = await stat(log);
    if (size > MAX_LOG_BYTES) await truncate(log, 0);
  }

  /** Lets go; the guest keeps running. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#monitor?.close();
    await this.#console?.close();
  }

  #connected(): QmpMonitor {
    if (this.#monitor === null) throw unavailable("The server's process does not answer");
    return this.#monitor;
  }

  async #start(layout: MachineLayout, { resume, cgroups, keys }: LaunchOptions): ReturnType<typeof startDetached> {
    const { paths, tun } = this.#options;
    // KVM_FD of guest-command.ts is the first descriptor after the standard three; the keys' come next.
    const withKvm = layout.accelerator === "kvm";
    const given = keysFor(layout, keys, withKvm ? KVM_FD + 1 : KVM_FD);
    const jail = guestJail(layout, { ...this.#options, tun: tun(), cgroups, keys: given.descriptors });
    const command = jailCommand(jail, guestCommand(layout, { resume }));
    if (!withKvm) return startDetached(command, paths.log, [], given.contents);
    const kvm = await open("/dev/kvm", "r+");
    try {
      return await startDetached(command, paths.log, [kvm.fd], given.contents);
    } finally {
      await kvm.close();
    }
  }

  /** Connects monitor and console. `adopting`: the guest ran without us, so its state is asked for. */
  async #connect(timeoutMs: number, adopting: boolean): Promise<void> {
    const { paths } = this.#options;
    const found = await waitUntil("QEMU's monitor", () => connectTo(paths.qmpSocket), { timeoutMs, everyMs: 5 });
    found.onEvent((event) => this.#event(event));
    this.#monitor = found;
    const monitor = this.#connected();
    const console = new GuestConsole(paths.console, this.#log);
    this.#console = console;
    await console.attach(
      paths.serialSocket,
      adopting ? () => qmp.ringbufRead(monitor, "serial-ring", 1_048_576) : undefined,
    );
    if (!adopting) return;
    this.process = this.#processOf(await qmp.queryStatus(monitor));
    await this.#checkLayout(monitor);
  }

  #processOf(status: qmp.RunState): GuestProcess {
    if (RUNNING_STATES.has(status)) return "running";
    if (status === "prelaunch") return "starting";
    return status === "postmigrate" && this.stateSaved ? "saved" : "paused";
  }

  /** An agent may have gone between writing the layout and plugging the device. */
  async #checkLayout(monitor: QmpMonitor): Promise<void> {
    const { layout } = this;
    if (layout === null) return;
    const devices = await qmp.listObjects(monitor, "/machine/peripheral");
    const interfaces = layout.interfaces.filter(({ portId }) => devices.includes(`nic-${portId}`));
    const { disks } = await settleVolumes(monitor, layout);
    const changed = interfaces.length < layout.interfaces.length || disks.length < layout.disks.length;
    if (changed) await this.setLayout({ ...layout, interfaces, disks });
    await this.#options.settled({ ...layout, disks });
  }

  #reconnect(): void {
    if (this.#closed) return;
    setTimeout(() => {
      if (this.#closed || this.#monitor !== null || this.process === "none") return;
      this.#connect(5_000, true).then(
        () => {
          this.#watch(null);
          this.#options.changed();
        },
        () => this.#reconnect(),
      );
    }, RECONNECT_MS).unref();
  }

  /** Follows the process to its end: by its monitor, or, while that does not answer, by its pids. */
  #watch(alive: readonly ProcessRecord[] | null): void {
    this.#ended = this.#end(alive);
    this.#ended.catch((error: unknown) => this.#log.error({ error }, "a guest's end was not understood"));
  }

  async #end(alive: readonly ProcessRecord[] | null): Promise<void> {
    const monitor = this.#monitor;
    this.#watches += 1;
    const watch = this.#watches;
    if (monitor !== null) await monitor.closed;
    else if (alive !== null) await untilGone(alive, 2 ** 31 - 1, 250);
    if (this.#closed || watch !== this.#watches) return;
    const left = await this.#processes();
    try {
      await untilGone(left, QUIT_TIMEOUT_MS);
    } catch {
      // Alive, only its monitor is not.
      if (this.#monitor === monitor) this.#monitor = null;
      this.#watch(left);
      this.#reconnect();
      return;
    }
    if (watch !== this.#watches) return;
    const why = await this.#lastWords();
    await this.#console?.ended();
    if (!this.#ending) await this.#endedByItself(why, monitor !== null);
  }

  /** `heard`: its monitor was open to the end. */
  async #endedByItself(why: string, heard: boolean): Promise<void> {
    const ran = this.process === "running" || this.process === "paused";
    const died = ran && heard && !this.#shutDown;
    this.#log.info({ ran, died, why }, "the guest's process ended");
    if (this.process === "starting") this.#earlyEnd = why;
    this.#monitor = null;
    await this.#console?.close();
    this.#console = null;
    this.process = "none";
    this.exited = ran;
    this.died = died;
    this.#options.changed();
  }

  #event(event: QmpEvent): void {
    const { name, data } = event;
    if (name === "RTC_CHANGE" || name === "NIC_RX_FILTER_CHANGED") return;
    this.#log.debug({ event: name, data }, "QMP event");
    if (name === "SHUTDOWN") this.#shutDown = true;
    if (name === "BLOCK_IO_ERROR" && data["action"] === "stop") this.#ioError = true;
    if (name === "STOP" && this.process === "running") this.process = "paused";
    else if (name === "RESUME" && this.process === "paused") this.process = "running";
    else return;
    this.#options.changed();
  }

  async #loadState(): Promise<void> {
    const monitor = this.#connected();
    await this.#migration(monitor, () => qmp.migrateIncoming(monitor, `file:${runPath("state")}`));
  }

  /** Runs a migration to its end, either way. */
  async #migration(monitor: QmpMonitor, start: () => Promise<void>): Promise<void> {
    await qmp.setMigrationCapabilities(monitor, { events: true });
    const finished = monitor.nextEvent(
      ({ name, data }) => name === "MIGRATION" && (data["status"] === "completed" || data["status"] === "failed"),
      MIGRATION_TIMEOUT_MS,
    );
    finished.catch(() => undefined);
    await start();
    const { data } = await finished;
    if (data["status"] === "completed") return;
    const { reason } = await qmp.queryMigrate(monitor).catch(() => ({ reason: undefined }));
    const full = reason?.includes("No space left") === true;
    throw full
      ? noCapacity("The host has no space left for the server's memory")
      : unavailable("The server's memory was not saved", { cause: reason });
  }

  #processes(): Promise<ProcessRecord[]> {
    return findProcesses((commandLine) => commandLine.includes(nameOption(this.#options.processName)));
  }

  async #lastWords(): Promise<string> {
    const text = await readIfThere(this.#options.paths.log).catch(() => null);
    return (text ?? "").trim().slice(-1000);
  }
}

/** The element of QEMU's command line by which a guest's processes (and those that wrap them) are known. */
export const nameOption = (processName: string): string => `guest=${processName},debug-threads=on`;

function parse<T>(text: string | null): T | null {
  if (text === null) return null;
  try {
    return JSON.parse(text) as T;
  } catch {
    // These records are written whole, or not at all; after a power cut they may be empty, and mean nothing.
    return null;
  }
}

async function connectTo(qmpSocket: string): Promise<QmpMonitor> {
  const { path, release } = socketPath(qmpSocket);
  try {
    return await connectMonitor(path, { timeoutMs: 5_000 });
  } finally {
    release();
  }
}

/** Of what QEMU may have put there: a link is not followed, and a pipe is not waited for. */
async function syncFile(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
