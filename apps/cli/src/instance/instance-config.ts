/** `config.json`: what was chosen once for an instance (by its first `up`) and must stay: slot, ports, backend. */
import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, readdir, rename, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { dirname, join } from "node:path";

import { conflict, unavailable } from "@andromede/base/errors";
import { parseJson } from "@andromede/base/json";
import { runCommand } from "@andromede/engines/run-command";

import { leavesBucket } from "./byte-place.ts";
import type { InstancePaths } from "./paths.ts";
import type { Settings } from "./settings.ts";
import { registerSlot, registeredSlots } from "./slot-register.ts";

export type Ports = {
  customer: number;
  operator: number;
  /** The object store's, for both planes. */
  customerObjects: number;
  operatorObjects: number;
};

export type InstanceConfig = {
  version: 1;
  instance: string;
  region: string;
  /** 1 to 254, unique on the machine: the external network is 172.24.<slot>.0/24, and user ids follow from it. */
  slot: number;
  ports: Ports;
  backend: "qemu" | "simulated";
  /** How many hosts the simulated backend pretends to have. */
  simulatedHosts: number;
  /** Delay of each simulated step. */
  simulatedDelayMs: number;
  plainHttp: boolean;
  /** false: this cloud has no object store. */
  objectStore: boolean;
  /** A PostgreSQL that is already there, in the place of our own. */
  databaseUrl?: string;
  /** What the operator set of the control plane. */
  settings?: Settings;
  createdAt: string;
};

export type UpChoices = {
  simulated?: boolean;
  hosts?: number;
  delayMs?: number;
  plainHttp?: boolean;
  objectStore?: boolean;
  databaseUrl?: string;
  settings?: Settings;
};

const FIRST_PORT = 8443;
const LAST_SLOT = 254;

/** null when the instance was never made. */
export async function loadInstanceConfig(paths: InstancePaths): Promise<InstanceConfig | null> {
  if (!existsSync(paths.config)) return null;
  return parseJson(await readFile(paths.config, "utf8"), paths.config) as InstanceConfig;
}

/** Writes a file beside its place and renames it: nobody reads half of one. */
export async function writeWhole(file: string, text: string, mode: number): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const unfinished = `${file}.${process.pid}.new`;
  await writeFile(unfinished, text, { mode });
  // the mode given to writeFile is cut by the umask
  await chmod(unfinished, mode);
  await rename(unfinished, file);
}

/**
 * The configuration of this instance, made if it is the first time. Later choices that contradict the first ones are
 * refused, except the delays and number of simulated hosts, and the settings. MUST run under the machine's lock.
 */
export async function ensureInstanceConfig(paths: InstancePaths, choices: UpChoices): Promise<InstanceConfig> {
  const present = await loadInstanceConfig(paths);
  const config = present === null ? await choose(paths, choices) : merge(present, choices);
  // first: an instance that is refused has no configuration, and nothing that a "down" could take for its own
  registerSlot(config.slot, paths.directory);
  if (present === null || JSON.stringify(present) !== JSON.stringify(config)) {
    await writeWhole(paths.config, `${JSON.stringify(config, null, 2)}\n`, 0o600);
  }
  return config;
}

async function choose(paths: InstancePaths, choices: UpChoices): Promise<InstanceConfig> {
  const others = await otherConfigs(paths);
  const slot = chooseSlot(new Set(others.map((other) => other.slot)), await addressesInUse());
  return {
    version: 1,
    instance: paths.instance,
    region: "RegionOne",
    slot,
    ports: await choosePorts(new Set(others.flatMap((other) => Object.values(other.ports)))),
    backend: choices.simulated === true ? "simulated" : "qemu",
    simulatedHosts: choices.hosts ?? 1,
    simulatedDelayMs: choices.delayMs ?? 0,
    plainHttp: choices.plainHttp === true,
    objectStore: choices.objectStore !== false,
    ...(choices.databaseUrl === undefined ? {} : { databaseUrl: choices.databaseUrl }),
    ...(choices.settings === undefined ? {} : { settings: choices.settings }),
    createdAt: new Date().toISOString(),
  };
}

/** What a later `up` may and may not change. Pure. */
export function merge(present: InstanceConfig, choices: UpChoices): InstanceConfig {
  if (choices.simulated === true && present.backend !== "simulated") {
    throw conflict(`instance ${present.instance} was made for real guests; use another --instance for a simulated one`);
  }
  if (choices.hosts !== undefined && choices.hosts < present.simulatedHosts) {
    throw conflict(
      `instance ${present.instance} has ${present.simulatedHosts} simulated hosts; hosts can be added, not taken away`,
    );
  }
  if (choices.databaseUrl !== undefined && present.databaseUrl === undefined) {
    throw conflict(
      `instance ${present.instance} has a PostgreSQL of its own; ANDROMEDE_DATABASE_URL can only be given to its first "up"`,
    );
  }
  if (choices.objectStore === false && present.objectStore)
    throw conflict(`instance ${present.instance} has an object store, and perhaps something in it`);
  if (choices.settings !== undefined) assertBytesStay(present, choices.settings);
  return {
    ...present,
    simulatedHosts: choices.hosts ?? present.simulatedHosts,
    simulatedDelayMs: choices.delayMs ?? present.simulatedDelayMs,
    plainHttp: choices.plainHttp ?? present.plainHttp,
    ...(choices.databaseUrl === undefined ? {} : { databaseUrl: choices.databaseUrl }),
    ...(choices.settings === undefined ? {} : { settings: choices.settings }),
  };
}

function assertBytesStay({ instance, settings = {} }: InstanceConfig, chosen: Settings): void {
  for (const [what, store] of [
    ["images", "imageStore"],
    ["backups of volumes", "backupStore"],
  ] as const) {
    if (leavesBucket(settings[store], chosen[store]))
      throw conflict(`${what} of instance ${instance} are in a bucket; say so in section "${store}" of the settings`);
  }
}

/** Names of the instances in a data directory. */
export async function listInstances(data: string): Promise<string[]> {
  if (!existsSync(data)) return [];
  const entries = await readdir(data, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && existsSync(join(data, entry.name, "config.json")))
    .map((entry) => entry.name)
    .toSorted();
}

/** Every other instance that can be known of: those of this data directory, and those that hold a slot. */
async function otherConfigs(paths: InstancePaths): Promise<InstanceConfig[]> {
  const beside = (await listInstances(paths.data)).map((name) => join(paths.data, name));
  const directories = new Set([...beside, ...registeredSlots().values()]);
  directories.delete(paths.directory);
  return Promise.all(
    [...directories].map(async (directory) => {
      const file = join(directory, "config.json");
      return parseJson(await readFile(file, "utf8"), file) as InstanceConfig;
    }),
  );
}

/** IPv4 networks the machine has addresses in or routes to. */
async function addressesInUse(): Promise<string[]> {
  const own = Object.values(networkInterfaces()).flatMap((addresses) =>
    (addresses ?? []).map(({ address }) => address),
  );
  const routes = (await runCommand(["ip", "-4", "route", "show", "table", "all"]))
    .split("\n")
    .map((line) => line.split(" ").find((word) => /^\d+\./.test(word)) ?? "");
  return [...own, ...routes];
}

/** The first slot whose network nobody on the machine uses. Pure. */
export function chooseSlot(taken: Set<number>, addresses: string[]): number {
  for (let slot = 1; slot <= LAST_SLOT; slot += 1) {
    if (!taken.has(slot) && !addresses.some((address) => address.startsWith(`172.24.${slot}.`))) return slot;
  }
  throw unavailable("no free network 172.24.N.0/24 is left on this machine");
}

async function choosePorts(taken: Set<number>): Promise<Ports> {
  for (let first = FIRST_PORT; first < 65_000; first += 4) {
    const four = [first, first + 1, first + 2, first + 3];
    if (four.some((port) => taken.has(port))) continue;
    // The first that are free are wanted, so they are tried in order.
    // eslint-disable-next-line no-await-in-loop
    if ((await Promise.all(four.map(isPortFree))).every(Boolean))
      return { customer: first, operator: first + 1, customerObjects: first + 2, operatorObjects: first + 3 };
  }
  throw unavailable(`no four free ports from ${FIRST_PORT} upward`);
}

function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/** Users of an instance are numbers, not accounts: nothing to add to the machine, and two instances never share one. */
export type InstanceUser = { uid: number; gid: number };
export type InstanceUsers = {
  controlPlane: InstanceUser;
  postgres: InstanceUser;
  ovn: InstanceUser;
  /** The metadata proxies' user. */
  guest: InstanceUser;
  /** Each guest has a user of its own out of this range. */
  guests: { first: number; count: number };
};

/** Above every range that systemd, containers or account tools hand out (systemd's UIDS-GIDS document), below 2^31. */
const FIRST_UID = 1_900_000_000;
const UIDS_PER_INSTANCE = 65_536;

/** Pure. OVN's user is in the control plane's group: that group may connect to its sockets. */
export function instanceUsers(slot: number): InstanceUsers {
  const first = FIRST_UID + slot * UIDS_PER_INSTANCE;
  return {
    controlPlane: { uid: first, gid: first },
    postgres: { uid: first + 1, gid: first + 1 },
    ovn: { uid: first + 2, gid: first },
    guest: { uid: first + 3, gid: first + 3 },
    guests: { first: first + 1_000, count: UIDS_PER_INSTANCE - 1_000 },
  };
}

export type ExternalNetwork = {
  name: string;
  cidr: string;
  gateway: string;
  allocationStart: string;
  allocationEnd: string;
  physicalNetwork: string;
};

/** The network that floating IPs come from; its gateway is the machine. Pure. */
export function externalNetwork(slot: number): ExternalNetwork {
  const prefix = `172.24.${slot}`;
  return {
    name: "public",
    cidr: `${prefix}.0/24`,
    gateway: `${prefix}.1`,
    allocationStart: `${prefix}.10`,
    allocationEnd: `${prefix}.250`,
    physicalNetwork: "physnet1",
  };
}
