/** The backend that carries real guests: QEMU, qcow2 disks, taps in Open vSwitch, control groups, metadata proxies. */
import { mkdir, readdir, statfs } from "node:fs/promises";
import { availableParallelism, totalmem } from "node:os";
import { join } from "node:path";

import type { GuestDiagnostics, GuestSpec, HostFacts } from "@andromede/agent-api/types";
import { conflict, unavailable } from "@andromede/base/errors";
import type { Logger } from "@andromede/base/log";
import * as qmp from "@andromede/qmp/commands";

import type { Backend, ObservedGuest } from "../backend.ts";
import type { AgentConfig } from "../config.ts";
import { removePath } from "../durable.ts";
import type { Device } from "../jail/jail.ts";
import { tunDevice } from "../jail/tun.ts";
import { type ProcessRecord, commandLineOf, findProcesses, killProcesses } from "../jail/process.ts";
import type { LedgerEntry } from "../ledger.ts";
import { linksOf, namespacePath } from "../network/links.ts";
import { type MetadataProxies, createMetadataProxies } from "../network/metadata-proxy.ts";
import { type MetadataServer, serveMetadata } from "../network/metadata-server.ts";
import { type Ports, createPorts } from "../network/port.ts";
import { type Switch, connectSwitch } from "../network/switch.ts";
import { makeConfigDrive } from "../storage/config-drive.ts";
import type { ImageCache } from "../storage/image-cache.ts";
import { type DiskMaker, type DiskRecord, createDiskMaker, disksFit, disksGo } from "../storage/qcow2.ts";
import { qemuImgOf } from "../storage/qemu-img.ts";
import type { VolumeLinks } from "../storage/volume-links.ts";
import { settleAll } from "../settle.ts";
import { NO_HOOK, type StepHook } from "../volumes/driver.ts";
import type { OnlineGuests } from "../volumes/online.ts";
import { type ControlGroups, openControlGroups } from "./cgroup.ts";
import { diagnosticsOf } from "./diagnostics.ts";
import { memoryLimitBytes } from "./guest-command.ts";
import { plugInterface, unplugInterface } from "./guest-devices.ts";
import { type GuestAgent, guestAgentAt } from "./guest-agent.ts";
import { limitDisk, plugVolume, unplugVolume } from "./guest-disks.ts";
import { type GuestPaths, guestPaths } from "./guest-jail.ts";
import { GuestMachine } from "./guest.ts";
import {
  DEFAULT_UIDS,
  type MachineLayout,
  disksToLimit,
  layoutOf,
  machineFits,
  processNameOf,
  uidOf,
  volumesOf,
} from "./layout.ts";
import { keysOf, openPool, withKeys } from "./guest-volumes.ts";
import { onlineGuests } from "./online-guests.ts";
import { connectUnixStream } from "./unix-stream.ts";

type Guest = {
  id: string;
  uid: number;
  paths: GuestPaths;
  machine: GuestMachine;
  agent: GuestAgent;
  disks: DiskRecord[];
  /** Holds control groups; taps are known by `ports`. */
  grouped: boolean;
  /** What the config drive that is there was made from. */
  configDrive: string | null;
};

const SWITCH_TIMEOUT_MS = 30_000;
const IMAGE_IDLE_MS = 3_600_000;

/** Makes the backend of a host. Nothing happens before `start`. `images`: shared with the volumes' side. */
export function createQemuBackend(
  config: AgentConfig,
  images: ImageCache,
  log: Logger,
  step: StepHook = NO_HOOK,
): Backend {
  return new QemuBackend(config, images, log, step);
}

class QemuBackend implements Backend {
  readonly online: OnlineGuests;
  readonly #config: AgentConfig;
  readonly #log: Logger;
  readonly #guests = new Map<string, Guest>();
  readonly #images: ImageCache;
  readonly #disks: DiskMaker;
  readonly #links: VolumeLinks;
  readonly #step: StepHook;
  readonly #ovs: Switch;
  readonly #ports: Ports;
  readonly #proxies: MetadataProxies;
  #groups: ControlGroups | undefined;
  #metadata: MetadataServer | undefined;
  #listener: (guestId: string) => void = () => undefined;
  #diskGib = 0;
  #tun: Device = { source: "/dev/net/tun", target: "/dev/net/tun" };

  constructor(config: AgentConfig, images: ImageCache, log: Logger, step: StepHook) {
    this.#step = step;
    const { engineRoot, guestUser, networkNamespace, instance, host, dataDir } = config;
    this.#config = config;
    this.#log = log;
    const qemuImg = qemuImgOf(engineRoot, guestUser);
    this.#images = images;
    this.#disks = createDiskMaker({ cache: this.#images, qemuImg });
    const { links, shared } = openPool(config, log);
    this.#links = links;
    this.online = onlineGuests({
      guests: () => this.#guests.values(),
      find: (guestId) => this.#guests.get(guestId),
      imagePath: (imageId) => images.path(imageId),
      shared,
      log,
    });
    this.#ovs = connectSwitch({ ovsdbSocket: config.ovsdbSocket, bridge: config.integrationBridge, log });
    const hostLinks = linksOf(engineRoot, networkNamespace);
    this.#ports = createPorts({ links: hostLinks, ovs: this.#ovs, owner: `${instance}/${host}` });
    this.#proxies = createMetadataProxies({
      engineRoot,
      directory: join(dataDir, "networks"),
      namespace: networkNamespace,
      namespacePrefix: `${instance}-${host}`,
      metadataSocketPath: config.metadataSocketPath,
      user: guestUser,
      hostLinks,
      ovs: this.#ovs,
      log,
    });
  }

  facts(): Omit<HostFacts, "apiVersion" | "hostname"> {
    const { accelerator, acceleratorReason } = this.#config;
    const chassis = this.#ovs.chassis();
    return {
      backend: "qemu",
      accelerator,
      ...(acceleratorReason === undefined ? {} : { acceleratorReason }),
      vcpus: availableParallelism(),
      memoryMib: Math.floor(totalmem() / 2 ** 20),
      diskGib: this.#diskGib,
      ...(chassis === undefined ? {} : { chassis }),
    };
  }

  async start(entries: ReadonlyMap<string, LedgerEntry>): Promise<void> {
    const { dataDir, instance, host, metadataSocketPath, guestUser } = this.#config;
    await mkdir(join(dataDir, "guests"), { recursive: true, mode: 0o711 });
    this.#groups = await openControlGroups(`${instance}-${host}`, this.#log);
    this.#tun = await tunDevice(dataDir);
    await this.#measure();
    // No decision is taken on a half-loaded copy of the switch's database.
    await this.#ovs.ready(SWITCH_TIMEOUT_MS);
    await this.#ports.load();
    await this.#links.load();
    this.#ovs.onChange((ifaceIds) => this.#portsChanged(ifaceIds));
    const processes = await this.#processes();
    await Promise.all([...entries.keys()].map((guestId) => this.#adopt(guestId, processes.get(guestId) ?? [])));
    this.#metadata = await serveMetadata({ metadataSocketPath, gid: guestUser.gid, log: this.#log });
  }

  onChange(listener: (guestId: string) => void): void {
    this.#listener = listener;
  }

  entriesChanged(entries: ReadonlyMap<string, LedgerEntry>): void {
    this.#metadata?.entriesChanged(entries);
    this.#proxies.entriesChanged(entries);
  }

  observe(spec: GuestSpec): ObservedGuest {
    const { machine, disks, grouped } = this.#guest(spec.id);
    const { process, layout } = machine;
    const plugged = process === "none" ? [] : (layout?.interfaces ?? []).map(({ portId }) => portId);
    const links = process === "none" && this.#links.held(spec.id).size > 0;
    return {
      prepared: disksFit(spec, disks),
      remake: disksGo(spec, disks),
      process,
      exited: machine.exited,
      died: machine.died,
      stateSaved: machine.stateSaved,
      disks: this.#disksOf(spec),
      toLimit: process === "none" || layout === null ? [] : disksToLimit(spec, layout),
      plugged,
      holdsPorts: process === "none" && (grouped || links || this.#ports.holds(spec.id)),
      portsUp: this.#ports.up(plugged),
      sized: layout !== null && machineFits(spec, layout),
    };
  }

  #disksOf(spec: GuestSpec): string[] {
    const { machine, disks } = this.#guest(spec.id);
    if (machine.process !== "none" || machine.stateSaved) return (machine.layout?.disks ?? []).map(({ id }) => id);
    const made = new Set(disks.map(({ id }) => id));
    const held = this.#links.held(spec.id);
    const ready = spec.disks.filter(
      ({ id, source, detached }) => detached !== true && (source.kind === "volume" || made.has(id)),
    );
    // A volume that the process may have had open until just now is not free yet.
    const late = (machine.layout?.disks ?? []).filter(({ volume }) => volume !== null && held.has(volume.volumeId));
    return [...new Set([...ready, ...late].map(({ id }) => id))];
  }

  async prepare(spec: GuestSpec, signal: AbortSignal): Promise<void> {
    const guest = this.#guest(spec.id);
    await mkdir(guest.paths.directory, { recursive: true, mode: 0o711 });
    const starts = spec.power !== "stopped";
    const [disks] = await settleAll([
      this.#disks.ensure(spec, guest.paths, this.#userOf(guest), signal),
      // While disks are made, OVN can already wire the ports.
      starts ? this.#ports.ensure(guest, spec.interfaces) : undefined,
      starts ? this.#ensureConfigDrive(guest, spec) : undefined,
    ]);
    guest.disks = disks;
  }

  async launch(spec: GuestSpec, { resume }: { resume: boolean }): Promise<void> {
    const guest = this.#guest(spec.id);
    const layout = resume ? guest.machine.layout : layoutOf(spec, this.#config);
    if (layout === null) throw unavailable("the suspended server's machine is not known");
    const keys = keysOf(spec);
    const limits = { vcpus: layout.vcpus, memoryBytes: memoryLimitBytes(layout) };
    const [cgroups] = await settleAll([
      this.#groups?.create(spec.id, limits) ?? Promise.resolve([]),
      this.#ports.ensure(guest, layout.interfaces),
      resume ? undefined : this.#ensureConfigDrive(guest, spec),
      this.#links.keep(spec.id, withKeys(volumesOf(layout), keys)),
    ]);
    guest.grouped = cgroups.length > 0;
    this.#step("launch:linked");
    await guest.machine.launch(layout, { resume, cgroups, keys });
    this.#step("launch:launched");
  }

  async begin(spec: GuestSpec): Promise<void> {
    await this.#guest(spec.id).machine.begin();
  }

  async pause(spec: GuestSpec): Promise<void> {
    await this.#guest(spec.id).machine.pause();
  }

  async resume(spec: GuestSpec): Promise<void> {
    await this.#guest(spec.id).machine.resume();
  }

  async askShutdown(spec: GuestSpec): Promise<void> {
    await this.#guest(spec.id).machine.askShutdown();
  }

  async kill(spec: GuestSpec): Promise<void> {
    await this.#guest(spec.id).machine.kill();
  }

  async suspend(spec: GuestSpec): Promise<void> {
    await this.#guest(spec.id).machine.suspend();
  }

  async discardSaved(spec: GuestSpec): Promise<void> {
    await this.#guest(spec.id).machine.discardSaved();
  }

  async acknowledgeExit(spec: GuestSpec): Promise<void> {
    await this.#guest(spec.id).machine.acknowledgeExit();
  }

  async plug(spec: GuestSpec, wanted: GuestSpec["interfaces"][number]): Promise<void> {
    const guest = this.#guest(spec.id);
    await plugInterface({ machine: guest.machine, ports: this.#ports, guest }, wanted);
  }

  async unplug(spec: GuestSpec, portId: string): Promise<void> {
    const guest = this.#guest(spec.id);
    await unplugInterface({ machine: guest.machine, ports: this.#ports, guest }, portId);
  }

  async plugDisk(spec: GuestSpec, diskId: string): Promise<void> {
    const wanted = spec.disks.find(({ id }) => id === diskId);
    if (wanted === undefined) throw unavailable(`disk ${diskId} is not wanted any more`);
    await plugVolume(this.#pluggingOf(spec.id), wanted, keysOf(spec).get(diskId) ?? null);
  }

  async unplugDisk(spec: GuestSpec, diskId: string): Promise<void> {
    await unplugVolume(this.#pluggingOf(spec.id), diskId);
  }

  #pluggingOf(guestId: string): Parameters<typeof unplugVolume>[0] {
    return { machine: this.#guest(guestId).machine, links: this.#links, guestId, step: this.#step };
  }

  async limitDisk(spec: GuestSpec, diskId: string): Promise<void> {
    const limits = spec.disks.find(({ id }) => id === diskId)?.limits ?? {};
    await limitDisk(this.#guest(spec.id).machine, diskId, limits);
  }

  async release(spec: GuestSpec): Promise<void> {
    const guest = this.#guest(spec.id);
    await this.#links.removeAll(spec.id);
    await this.#ports.removeAll(spec.id);
    await this.#groups?.remove(spec.id);
    guest.grouped = false;
  }

  async remove(spec: GuestSpec): Promise<void> {
    const { machine, paths } = this.#guest(spec.id);
    await machine.kill();
    await this.release(spec);
    await removePath(paths.directory);
    this.#guests.delete(spec.id);
  }

  consoleText(guestId: string, lines: number | undefined): Promise<string> {
    return this.#guest(guestId).machine.console.text(lines);
  }

  async setPassword(guestId: string, user: string, password: string): Promise<void> {
    const { machine, agent } = this.#guest(guestId);
    if (machine.process !== "running") throw conflict(`server ${guestId} is not running`);
    await agent.setPassword(user, password);
  }

  async injectNmi(guestId: string): Promise<void> {
    const { machine } = this.#guest(guestId);
    if (machine.process !== "running") throw conflict(`server ${guestId} is not running`);
    await qmp.injectNmi(machine.monitor);
  }

  async diagnostics(guestId: string): Promise<GuestDiagnostics> {
    const { machine } = this.#guest(guestId);
    const { layout } = machine;
    const pid = await machine.qemuPid();
    if (pid === null || layout === null) throw conflict(`server ${guestId} is not running`);
    return diagnosticsOf(pid, layout, machine.monitor);
  }

  openStream(guestId: string, stream: "vnc" | "serial"): ReturnType<Backend["openStream"]> {
    const { machine, paths } = this.#guest(guestId);
    if (machine.process !== "running" && machine.process !== "paused")
      throw conflict(`server ${guestId} is not running`);
    if (stream === "serial") return Promise.resolve(machine.console.watch());
    return connectUnixStream(paths.vncSocket);
  }

  async dropImage(imageId: string, entries: ReadonlyMap<string, LedgerEntry>): Promise<void> {
    if (this.#usedImages(entries).has(imageId)) throw conflict(`image ${imageId} is in use`);
    await this.#images.drop(imageId);
  }

  async collectGarbage(
    entries: ReadonlyMap<string, LedgerEntry>,
    isKnown: (guestId: string) => boolean,
  ): Promise<void> {
    await this.#measure();
    const processes = await this.#processes();
    const groups = this.#groups;
    const found = new Set([
      ...processes.keys(),
      ...(await readdir(join(this.#config.dataDir, "guests"))),
      ...((await groups?.guests()) ?? []),
      ...(await this.#ports.guests()),
      ...this.#links.guests(),
    ]);
    for (const guestId of found) {
      if (isKnown(guestId)) continue;
      this.#log.warn({ guest: guestId }, "remains of a guest that is in no ledger entry are removed");
      // One at a time: nobody waits for this.
      // eslint-disable-next-line no-await-in-loop
      await killProcesses(processes.get(guestId) ?? []);
      // eslint-disable-next-line no-await-in-loop
      await this.#ports.removeAll(guestId);
      // eslint-disable-next-line no-await-in-loop
      await groups?.remove(guestId);
      // eslint-disable-next-line no-await-in-loop
      await this.#links.removeAll(guestId);
      // eslint-disable-next-line no-await-in-loop
      await removePath(guestPaths(this.#config.dataDir, guestId).directory);
      this.#guests.delete(guestId);
    }
    await this.#links.tidy();
    await this.#images.evict(this.#usedImages(entries), IMAGE_IDLE_MS);
    await this.#healPorts(entries);
  }

  async close(): Promise<void> {
    await this.#proxies.close();
    await this.#metadata?.close();
    await Promise.all([...this.#guests.values()].map(({ machine }) => machine.close()));
    this.#ovs.close();
  }

  #guest(guestId: string): Guest {
    const known = this.#guests.get(guestId);
    if (known !== undefined) return known;
    const { dataDir, engineRoot, networkNamespace, guestUser, guestUids } = this.#config;
    const paths = guestPaths(dataDir, guestId);
    const uid = uidOf(guestId, guestUids ?? DEFAULT_UIDS);
    const machine = new GuestMachine({
      id: guestId,
      processName: processNameOf(this.#config, guestId),
      paths,
      engineRoot,
      tun: () => this.#tun,
      namespacePath: networkNamespace === null ? null : namespacePath(networkNamespace),
      user: { uid, gid: guestUser.gid },
      imagePath: (imageId) => this.#images.path(imageId),
      volumesDirectory: this.#links.directory(guestId),
      log: this.#log,
      changed: () => this.#listener(guestId),
      settled: (layout) => this.#links.keep(guestId, volumesOf(layout)),
    });
    const agent = guestAgentAt(paths.agentSocket);
    const guest: Guest = { id: guestId, uid, paths, machine, agent, disks: [], grouped: false, configDrive: null };
    this.#guests.set(guestId, guest);
    return guest;
  }

  #userOf({ uid }: Guest): { uid: number; gid: number } {
    return { uid, gid: this.#config.guestUser.gid };
  }

  async #adopt(guestId: string, alive: ProcessRecord[]): Promise<void> {
    const guest = this.#guest(guestId);
    guest.disks = await this.#disks.load(guest.paths);
    await guest.machine.adopt(alive);
    if (guest.machine.process !== "none") guest.grouped = true;
    // Ports without a process may date from before the machine's last boot, and say that they are installed.
    else await settleAll([this.#ports.removeAll(guestId), this.#links.removeAll(guestId)]);
  }

  /** Guest id -> its processes, of all that run on the machine for this host. */
  async #processes(): Promise<Map<string, ProcessRecord[]>> {
    const prefix = `guest=${processNameOf(this.#config, "")}`;
    const guestIdIn = (commandLine: readonly string[]): string | undefined =>
      commandLine
        .find((element) => element.startsWith(prefix))
        ?.slice(prefix.length)
        .split(",")[0];
    const found = await findProcesses((commandLine) => guestIdIn(commandLine) !== undefined);
    const byGuest = new Map<string, ProcessRecord[]>();
    await Promise.all(
      found.map(async (record) => {
        const guestId = guestIdIn(await commandLineOf(record.pid));
        if (guestId !== undefined) byGuest.set(guestId, [...(byGuest.get(guestId) ?? []), record]);
      }),
    );
    return byGuest;
  }

  async #ensureConfigDrive(guest: Guest, spec: GuestSpec): Promise<void> {
    if (!spec.configDrive) return;
    const content = JSON.stringify(spec.metadata);
    if (guest.configDrive === content) return;
    await makeConfigDrive(this.#config.engineRoot, spec, guest.paths, this.#userOf(guest));
    guest.configDrive = content;
  }

  #portsChanged(ifaceIds: readonly string[]): void {
    for (const [guestId, { machine }] of this.#guests) {
      const { layout } = machine;
      if (machine.process !== "none" && layout?.interfaces.some(({ portId }) => ifaceIds.includes(portId)) === true) {
        this.#listener(guestId);
      }
    }
  }

  /** The switch's database is not ours alone: ports that somebody took off it are plugged again. */
  async #healPorts(entries: ReadonlyMap<string, LedgerEntry>): Promise<void> {
    for (const [guestId, { spec, deleting }] of entries) {
      const { machine, id, uid } = this.#guest(guestId);
      const wanted = new Set(spec.interfaces.map(({ portId }) => portId));
      const interfaces: MachineLayout["interfaces"] = machine.layout?.interfaces ?? [];
      if (deleting || machine.process !== "running") continue;
      // eslint-disable-next-line no-await-in-loop
      await machine.trimLog();
      // eslint-disable-next-line no-await-in-loop
      await this.#ports.ensure(
        { id, uid },
        interfaces.filter(({ portId }) => wanted.has(portId)),
      );
    }
  }

  #usedImages(entries: ReadonlyMap<string, LedgerEntry>): Set<string> {
    const wanted = [...entries.values()].flatMap(({ spec }) =>
      spec.disks.flatMap(({ source }) => (source.kind === "image" ? source.imageId : [])),
    );
    const onDisk = [...this.#guests.values()].flatMap(({ disks }) => disks.flatMap(({ imageId }) => imageId ?? []));
    return new Set([...wanted, ...onDisk]);
  }

  async #measure(): Promise<void> {
    const { blocks, bsize } = await statfs(this.#config.dataDir);
    this.#diskGib = Math.floor((blocks * bsize) / 2 ** 30);
  }
}
