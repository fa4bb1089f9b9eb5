import { readFile } from "node:fs/promises";

import { invalid } from "@andromede/base/errors";
import { parseJson } from "@andromede/base/json";
import { storeSchema } from "@andromede/s3-client/place";
import { Ajv } from "ajv";

import type { SimulatedDelays, SimulatedFault } from "./sim/sim-backend.ts";
import type { BackupPlace } from "./volumes/backup-driver.ts";

/** The agent's configuration file, as the CLI writes it. */
export type AgentConfig = {
  instance: string;
  host: string;
  backend: "qemu" | "simulated";
  /** Ledger, disks, image cache and records of this host. */
  dataDir: string;
  socketPath: string;
  /** Where the metadata proxies of the networks reach the agent: a socket in a directory of this name and `.d`. */
  metadataSocketPath: string;
  engineRoot: string;
  /** null: the machine's own. */
  networkNamespace: string | null;
  ovsdbSocket: string;
  integrationBridge: string;
  datapath: "netdev" | "system";
  accelerator: "kvm" | "tcg";
  acceleratorReason?: string;
  /** The metadata proxies run as this user; its group may read cached images. */
  guestUser: { uid: number; gid: number };
  /** Each guest runs under a user of its own out of this range. */
  guestUids?: { first: number; count: number };
  controlPlaneGid?: number;
  /** How long a guest may take to power off. */
  shutdownTimeoutMs?: number;
  /** How long a started guest waits for its ports. */
  portTimeoutMs?: number;
  /** Where volumes are; the same directory on all hosts that name the same pool. */
  volumePool?: { name: string; directory: string };
  /** Where backups are; the same directory or bucket on all hosts of the pool. */
  backupStore?: BackupPlace;
  logLevel?: string;
  simulated?: SimulatedConfig;
};

export type SimulatedConfig = {
  hosts: { name: string; socketPath: string }[];
  delaysMs?: Partial<SimulatedDelays>;
  faults?: SimulatedFault[];
  vcpus: number;
  memoryMib: number;
  diskGib: number;
  /** "memory": nothing on disk, and nothing survives a restart. */
  ledger?: "disk" | "memory";
};

const text = { type: "string", minLength: 1 } as const;
const count = { type: "integer", minimum: 0 } as const;

const delay = { oneOf: [count, { type: "array", minItems: 2, maxItems: 2, items: count }] } as const;

const simulatedSchema = {
  type: "object",
  additionalProperties: false,
  required: ["hosts", "vcpus", "memoryMib", "diskGib"],
  properties: {
    hosts: {
      type: "array",
      minItems: 1,
      items: {
        type: "object",
        additionalProperties: false,
        required: ["name", "socketPath"],
        properties: { name: text, socketPath: text },
      },
    },
    delaysMs: {
      type: "object",
      additionalProperties: false,
      properties: {
        prepare: delay,
        launch: delay,
        ports: delay,
        begin: delay,
        shutdown: delay,
        other: delay,
        volume: delay,
      },
    },
    faults: {
      type: "array",
      items: {
        type: "object",
        additionalProperties: false,
        required: ["step", "nameContains", "message"],
        properties: { step: text, nameContains: { type: "string" }, message: text, times: count },
      },
    },
    vcpus: count,
    memoryMib: count,
    diskGib: count,
    ledger: { enum: ["disk", "memory"] },
  },
} as const;

const common = {
  instance: text,
  host: text,
  dataDir: text,
  controlPlaneGid: count,
  shutdownTimeoutMs: count,
  portTimeoutMs: count,
  volumePool: {
    type: "object",
    additionalProperties: false,
    required: ["name", "directory"],
    properties: { name: text, directory: text },
  },
  logLevel: text,
  simulated: simulatedSchema,
  socketPath: text,
  metadataSocketPath: text,
  engineRoot: text,
  networkNamespace: { anyOf: [text, { type: "null" }] },
  ovsdbSocket: text,
  integrationBridge: text,
  datapath: { enum: ["netdev", "system"] },
  accelerator: { enum: ["kvm", "tcg"] },
  acceleratorReason: { type: "string" },
  guestUser: {
    type: "object",
    additionalProperties: false,
    required: ["uid", "gid"],
    properties: { uid: { type: "integer", minimum: 1 }, gid: { type: "integer", minimum: 1 } },
  },
  backupStore: storeSchema("files", { properties: { directory: text } }),
  guestUids: {
    type: "object",
    additionalProperties: false,
    required: ["first", "count"],
    properties: { first: { type: "integer", minimum: 1 }, count: { type: "integer", minimum: 1 } },
  },
} as const;

/** The simulated backend needs little of it; what else is there is checked but not used. */
const configSchema = {
  type: "object",
  required: ["instance", "host", "backend", "dataDir"],
  additionalProperties: false,
  properties: { ...common, backend: { enum: ["qemu", "simulated"] } },
  if: { type: "object", properties: { backend: { const: "simulated" } } },
  // JSON Schema's own word; nobody awaits this object.
  // eslint-disable-next-line unicorn/no-thenable
  then: { type: "object", required: ["simulated"] },
  else: {
    type: "object",
    required: [
      "socketPath",
      "metadataSocketPath",
      "engineRoot",
      "networkNamespace",
      "ovsdbSocket",
      "integrationBridge",
      "datapath",
      "accelerator",
      "guestUser",
    ],
  },
} as const;

/** Checks what a configuration file says. */
export function parseConfig(content: string, what: string): AgentConfig {
  const config = parseJson(content, what);
  const ajv = new Ajv({ allErrors: true, strictRequired: false });
  const valid = ajv.compile<AgentConfig>(configSchema);
  if (!valid(config)) throw invalid(`${what}: ${ajv.errorsText(valid.errors, { dataVar: "config" })}`);
  return config;
}

/** Reads a configuration file. */
export async function readConfig(path: string): Promise<AgentConfig> {
  return parseConfig(await readFile(path, "utf8"), path);
}
