/** Our own programs as units: their configuration files and the jails they run in. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, chown, mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { type Bind, type Jail, jailCommand, jailEnvironment } from "@andromede/engines/jail";
import { integrationBridge } from "@andromede/engines/openvswitch";
import { runCommand } from "@andromede/engines/run-command";
import type { Unit } from "@andromede/engines/unit";

import { externalNetwork, writeWhole } from "../instance/instance-config.ts";
import {
  type ProgramName,
  agentSocket,
  compileCache,
  hostDataDirectory,
  hostRunDirectory,
  networkNamespace,
} from "../instance/paths.ts";
import { controlPlaneSecrets } from "../instance/secrets.ts";
import type { Stack } from "../stack/stack.ts";
import type { Settings } from "../instance/settings.ts";
import { tlsFiles } from "../tls/certificates.ts";
import { type ByteStore, byteStore } from "./byte-stores.ts";
import { codeVersion, repositoryDirectory } from "./code-version.ts";
import { type Plane, objectsUrl, planeUrl } from "./plane-urls.ts";

const CONTROL_PLANE = join(repositoryDirectory, "apps/control-plane/src/main.ts");
const OBJECT_STORE = join(repositoryDirectory, "apps/object-store/src/main.ts");
const HOST_AGENT = join(repositoryDirectory, "apps/host-agent/src/main.ts");
/**
 * Keeps memory near what is in use: a young generation that does not grow with every burst, and an old one that is collected
 * when it has nearly doubled. (V8 waits for it to grow fourfold where it may take gigabytes; this is many times what our
 * programs hold. Less makes collections frequent enough to be seen in the slowest answers.) And lets a program that has
 * nothing to do collect (base/idle-memory.ts).
 */
const nodeFlags = (youngMib: number): string[] => [
  `--max-semi-space-size=${youngMib}`,
  "--max-old-space-size=1536",
  "--expose-gc",
];
/** An agent answers little at a time. */
const NODE_FLAGS = { "control-plane": nodeFlags(8), "host-agent": nodeFlags(2), "object-store": nodeFlags(8) };

export const controlPlaneConfigFile = (stack: Stack): string => join(stack.paths.programs, "control-plane.json");
export const objectStoreConfigFile = (stack: Stack): string => join(stack.paths.programs, "object-store.json");
export const agentConfigFile = (stack: Stack): string => join(stack.paths.programs, "host-agent.json");

const ROOT = { uid: 0, gid: 0 };
/** What the account, the bucket and the key of images, and of volumes' backups, are called. */
export const IMAGES = "images";
export const BACKUPS = "volume-backups";

export type AgentAddress = { name: string; socketPath: string };
/** The hosts of this machine, by their agents' sockets. Pure. */
export const hostsOf = (stack: Stack): AgentAddress[] =>
  stack.simulated ? simulatedHosts(stack) : [{ name: stack.host, socketPath: agentSocket(stack.paths, stack.host) }];

/** The control plane's configuration. Pure. */
export function controlPlaneConfig(stack: Stack, imageStore: ByteStore): object {
  const { paths, config } = stack;
  const listener = (plane: Plane): object => ({
    host: "127.0.0.1",
    port: config.ports[plane],
    url: planeUrl(stack, plane),
  });
  return {
    instance: config.instance,
    region: config.region,
    database: databaseConfig(stack),
    listeners: { customer: listener("customer"), operator: listener("operator") },
    tls: tlsConfig(stack),
    plainHttp: config.plainHttp,
    ...(config.objectStore
      ? { objectStore: { customer: objectsUrl(stack, "customer"), operator: objectsUrl(stack, "operator") } }
      : {}),
    ovn: { northbound: `unix:${join(paths.run, "ovn", "ovnnb_db.sock")}` },
    imageStore,
    rootKeyFile: join(controlPlaneSecrets(paths), "root.key"),
    hosts: hostsOf(stack),
    jail: { engineRoot: stack.engineRoot },
    externalNetwork: externalNetwork(config.slot),
    ...controlPlaneSettings(config.settings),
  };
}

/** What the operator set, but for what is another program's, or said to this one in other words. */
function controlPlaneSettings(settings: Settings = {}): Settings {
  const { objectStore: _, imageStore: __, backupStore: ___, ...rest } = settings;
  return rest;
}

/** Where the bytes of images are; keys to it are made. */
export const imageStoreOf = (stack: Stack): Promise<ByteStore> =>
  byteStore(stack, {
    name: IMAGES,
    place: stack.config.settings?.imageStore,
    directory: stack.paths.images,
    secrets: controlPlaneSecrets(stack.paths),
    owner: stack.users.controlPlane,
  });

/** The same of volumes' backups. */
export const backupStoreOf = (stack: Stack): Promise<ByteStore> =>
  byteStore(stack, {
    name: BACKUPS,
    place: stack.config.settings?.backupStore,
    directory: stack.paths.backups,
    secrets: stack.paths.secrets,
    owner: ROOT,
  });

const databaseConfig = ({ database }: Stack): object =>
  database.kind === "url"
    ? { url: database.url }
    : { socketDir: database.place.socketDirectory, port: 5432, name: "andromede", user: "andromede" };

function tlsConfig({ paths, config }: Stack): object | null {
  const { certFile, keyFile, caFile } = tlsFiles(paths.tls);
  return config.plainHttp ? null : { certFile, keyFile, caFile };
}

/** Tokens live as long as Identity says; the object store must not take older ones. */
const DEFAULT_TOKEN_HOURS = 8;

/** The object store's configuration. Pure. */
export function objectStoreConfig(stack: Stack): object {
  const { paths, config } = stack;
  const { objectStore = {}, identity = {} } = config.settings ?? {};
  const listener = (plane: Plane): object => ({
    host: "127.0.0.1",
    port: config.ports[`${plane}Objects`],
    url: objectsUrl(stack, plane),
  });
  return {
    instance: config.instance,
    region: config.region,
    database: databaseConfig(stack),
    listeners: { customer: listener("customer"), operator: listener("operator") },
    tls: tlsConfig(stack),
    plainHttp: config.plainHttp,
    rootKeyFile: join(controlPlaneSecrets(paths), "root.key"),
    identityUrl: `${planeUrl(stack, "operator")}/identity`,
    tokenHours: identity["tokenHours"] ?? DEFAULT_TOKEN_HOURS,
    bytes: { driver: "fs", directory: paths.objects },
    ...objectStore,
  };
}

function simulatedHosts(stack: Stack): AgentAddress[] {
  const directory = hostRunDirectory(stack.paths, stack.host);
  return Array.from({ length: stack.config.simulatedHosts }, (_, index) => ({
    name: `host${index + 1}`,
    socketPath: join(directory, `sim-${index + 1}.sock`),
  }));
}

/** Of the one pool there is: all hosts of a machine share it. */
const VOLUME_POOL = "local";

/** How guests run, and why so. */
export type Accelerator = { accelerator: "kvm" | "tcg"; reason: string };

/** The agent's configuration. `backupStore`: simulated hosts have none. Pure. */
export function agentConfig(stack: Stack, accelerator: Accelerator, backupStore: ByteStore | null): object {
  const { paths, config, host, users } = stack;
  const run = hostRunDirectory(paths, host);
  const common = {
    instance: config.instance,
    host,
    dataDir: hostDataDirectory(paths, host),
  };
  if (stack.simulated) {
    const ms = config.simulatedDelayMs;
    return {
      ...common,
      backend: "simulated",
      volumePool: { name: VOLUME_POOL, directory: paths.volumes },
      simulated: {
        hosts: simulatedHosts(stack),
        delaysMs: { prepare: ms, launch: ms, ports: ms, begin: ms, shutdown: ms, other: ms },
        // room for benches: the simulated hosts are as large as a rack's machines
        vcpus: 1024,
        memoryMib: 4 * 1024 * 1024,
        diskGib: 256 * 1024,
      },
    };
  }
  return {
    ...common,
    backend: "qemu",
    controlPlaneGid: users.controlPlane.gid,
    socketPath: agentSocket(paths, host),
    metadataSocketPath: join(run, "metadata.sock"),
    engineRoot: stack.engineRoot,
    networkNamespace: networkNamespace(paths, host),
    ovsdbSocket: join(run, "ovs", "db.sock"),
    integrationBridge,
    datapath: stack.datapath,
    accelerator: accelerator.accelerator,
    acceleratorReason: accelerator.reason,
    guestUser: users.guest,
    guestUids: users.guests,
    volumePool: { name: VOLUME_POOL, directory: paths.volumes },
    ...(backupStore === null ? {} : { backupStore }),
  };
}

/** Writes both configurations and makes the directories the programs use. Idempotent. */
export async function preparePrograms(stack: Stack, accelerator: Accelerator): Promise<void> {
  const { paths, users, host } = stack;
  const { gid } = users.controlPlane;
  await mkdir(paths.programs, { recursive: true, mode: 0o755 });
  const write = async (file: string, value: object): Promise<void> => {
    await writeWhole(file, `${JSON.stringify(value, null, 2)}\n`, 0o440);
    await chown(file, 0, gid);
  };
  await write(controlPlaneConfigFile(stack), controlPlaneConfig(stack, await imageStoreOf(stack)));
  await write(objectStoreConfigFile(stack), objectStoreConfig(stack));
  const backupStore = stack.simulated ? null : await backupStoreOf(stack);
  await write(agentConfigFile(stack), agentConfig(stack, accelerator, backupStore));
  const own = async (directory: string, owner: { uid: number; gid: number }, mode = 0o750): Promise<void> => {
    await mkdir(directory, { recursive: true });
    // whoever made it first may have closed it further
    await chmod(directory, mode);
    await chown(directory, owner.uid, owner.gid);
  };
  await own(paths.images, users.controlPlane);
  await own(paths.objects, users.controlPlane, 0o700);
  // customers' data: nobody but the agent, which is root
  if (!stack.simulated) {
    await own(paths.volumes, ROOT, 0o700);
    await own(paths.backups, ROOT, 0o700);
  }
  await own(compileCache(paths.directory, "control-plane"), users.controlPlane);
  await own(compileCache(paths.directory, "object-store"), users.controlPlane);
  await own(compileCache(paths.directory, "host-agent"), stack.simulated ? users.controlPlane : ROOT);
  const agentOwner = stack.simulated ? users.controlPlane : { uid: 0, gid };
  // the metadata proxies, under a user of their own, pass through it to the agent's socket; each socket has its own mode
  await own(hostRunDirectory(paths, host), agentOwner, 0o751);
  await mkdir(dirname(hostDataDirectory(paths, host)), { recursive: true, mode: 0o755 });
  await own(hostDataDirectory(paths, host), stack.simulated ? users.controlPlane : ROOT);
}

/** What one of our programs needs inside: the source and the Node that runs it. */
function programBinds(): Bind[] {
  return [{ from: repositoryDirectory, mode: "read" }];
}

function controlPlaneJail(stack: Stack): Jail {
  const { paths, users } = stack;
  return {
    root: stack.engineRoot,
    binds: [
      ...programBinds(),
      // qemu-img is started from it, in a jail inside this one
      { from: stack.engineRoot, mode: "read" },
      { from: controlPlaneConfigFile(stack), mode: "read" },
      { from: controlPlaneSecrets(paths), mode: "write" },
      ...tlsBinds(stack),
      { from: paths.images, mode: "write" },
      { from: compileCache(paths.directory, "control-plane"), mode: "write" },
      { from: join(paths.run, "ovn"), mode: "read" },
      { from: hostRunDirectory(paths, stack.host), mode: "read" },
      ...databaseBinds(stack),
    ],
    unshare: ["pid", "ipc", "uts"],
    user: users.controlPlane,
  };
}

/** It sees its own bytes, the database and the key tree's root: no host, no image, no switch. */
function objectStoreJail(stack: Stack): Jail {
  const { paths, users } = stack;
  return {
    root: stack.engineRoot,
    binds: [
      ...programBinds(),
      { from: objectStoreConfigFile(stack), mode: "read" },
      { from: controlPlaneSecrets(paths), mode: "read" },
      ...tlsBinds(stack),
      { from: paths.objects, mode: "write" },
      { from: compileCache(paths.directory, "object-store"), mode: "write" },
      ...databaseBinds(stack),
    ],
    unshare: ["pid", "ipc", "uts"],
    user: users.controlPlane,
  };
}

function tlsBinds(stack: Stack): Bind[] {
  const { certFile, keyFile, caFile } = tlsFiles(stack.paths.tls);
  return stack.config.plainHttp ? [] : [certFile, keyFile, caFile].map((from) => ({ from, mode: "read" }));
}

function databaseBinds({ database }: Stack): Bind[] {
  if (database.kind === "own") return [{ from: database.place.socketDirectory, mode: "read" }];
  const socketDirectory = new URL(database.url).searchParams.get("host");
  return socketDirectory?.startsWith("/") === true ? [{ from: socketDirectory, mode: "read" }] : [];
}

const nodeEnvironment = (stack: Stack, program: ProgramName): { [name: string]: string } => ({
  NODE_ENV: "production",
  NODE_COMPILE_CACHE: compileCache(stack.paths.directory, program),
  // The C library would keep what a password's hash or an upload's pieces took, once for each thread that ever did one.
  MALLOC_ARENA_MAX: "2",
  MALLOC_MMAP_THRESHOLD_: "65536",
  MALLOC_TRIM_THRESHOLD_: "65536",
});

const MAIN = { "control-plane": CONTROL_PLANE, "host-agent": HOST_AGENT, "object-store": OBJECT_STORE };

const nodeCommand = (program: ProgramName, args: string[], config: string): string[] => [
  process.execPath,
  ...NODE_FLAGS[program],
  MAIN[program],
  ...args,
  "--config",
  config,
];

/** Changes when the files a program has read at its start change: another definition of the unit, hence a restart. */
async function fingerprint(files: string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const file of files) {
    // a file's place in the list is part of the fingerprint
    // eslint-disable-next-line no-await-in-loop
    if (existsSync(file)) hash.update(await readFile(file));
  }
  return hash.digest("hex").slice(0, 16);
}

export const controlPlaneUnit = (stack: Stack): Promise<Unit> =>
  serviceUnit(stack, {
    name: "control-plane",
    description: "control plane",
    jail: controlPlaneJail(stack),
    config: controlPlaneConfigFile(stack),
    after: ["ovn-northbound"],
  });

export const objectStoreUnit = (stack: Stack): Promise<Unit> =>
  serviceUnit(stack, {
    name: "object-store",
    description: "object store",
    jail: objectStoreJail(stack),
    config: objectStoreConfigFile(stack),
    after: [],
  });

/** A program that serves an API out of the database, in a jail. `after`: what else must be up before it. */
async function serviceUnit(
  stack: Stack,
  program: { name: ProgramName; description: string; jail: Jail; config: string; after: string[] },
): Promise<Unit> {
  const { name, description, jail, config, after } = program;
  return {
    name,
    description,
    argv: jailCommand(jail, nodeCommand(name, [], config)),
    environment: {
      ...jailEnvironment,
      PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
      ...nodeEnvironment(stack, name),
      ANDROMEDE_CODE: codeVersion(name),
      ANDROMEDE_CONFIG: await fingerprint([config, tlsFiles(stack.paths.tls).certFile]),
    },
    log: join(stack.paths.log, `${name}.log`),
    after: [...(stack.database.kind === "own" ? ["postgresql"] : []), ...after],
    stopSignal: "SIGTERM",
    stopTimeoutMs: 15_000,
    kill: "tree",
  };
}

/** One command of the control plane's program (migrate, bootstrap, events verify), in the same jail as the program. */
export function runControlPlane(stack: Stack, args: string[], input?: string): Promise<string> {
  return runCommand(controlPlaneCommand(stack, args), {
    environment: {
      ...jailEnvironment,
      PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
      ...nodeEnvironment(stack, "control-plane"),
    },
    timeoutMs: 120_000,
    label: `control-plane ${args.join(" ")}`,
    ...(input === undefined ? {} : { input }),
  });
}

export const controlPlaneCommand = (stack: Stack, args: string[]): string[] =>
  jailCommand(controlPlaneJail(stack), nodeCommand("control-plane", args, controlPlaneConfigFile(stack)));

/** A real agent goes into its host's namespace for what it does there; it lives in the machine's own, where stores of bytes answer. */
function agentCommand(stack: Stack, args: string[]): string[] {
  const command = nodeCommand("host-agent", args, agentConfigFile(stack));
  return stack.simulated ? jailCommand(simulatedAgentJail(stack), command) : command;
}

/** Says what is wrong with the agent's configuration before anybody depends on it. Also fills the compile cache. */
export async function checkAgent(stack: Stack): Promise<void> {
  await runCommand(agentCommand(stack, ["check"]), {
    environment: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C.UTF-8", ...nodeEnvironment(stack, "host-agent") },
    timeoutMs: 60_000,
    label: "host-agent check",
  });
}

export async function agentUnit(stack: Stack): Promise<Unit> {
  const { paths, host } = stack;
  const config = agentConfigFile(stack);
  return {
    name: `host-agent@${host}`,
    description: stack.simulated ? `host agent, ${stack.config.simulatedHosts} simulated` : `host agent of ${host}`,
    argv: agentCommand(stack, []),
    environment: {
      PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
      LANG: "C.UTF-8",
      ...nodeEnvironment(stack, "host-agent"),
      ANDROMEDE_CODE: codeVersion("host-agent"),
      ANDROMEDE_CONFIG: await fingerprint([
        config,
        ...[".key", ".ca"].map((kind) => join(paths.secrets, BACKUPS + kind)),
      ]),
    },
    log: join(paths.log, `host-agent@${host}.log`),
    after: stack.simulated ? [] : [`ovs-vswitchd@${host}`],
    stopSignal: "SIGTERM",
    stopTimeoutMs: 15_000,
    // its guests go on without it, and the next agent adopts them
    kill: stack.simulated ? "tree" : "process",
  };
}

/** The simulated agent touches nothing of the machine: it needs no privilege. */
function simulatedAgentJail(stack: Stack): Jail {
  const { paths, host, users } = stack;
  return {
    root: stack.engineRoot,
    binds: [
      ...programBinds(),
      { from: agentConfigFile(stack), mode: "read" },
      { from: hostRunDirectory(paths, host), mode: "write" },
      { from: hostDataDirectory(paths, host), mode: "write" },
      { from: compileCache(paths.directory, "host-agent"), mode: "write" },
    ],
    unshare: ["pid", "ipc", "uts", "net"],
    user: users.controlPlane,
  };
}
