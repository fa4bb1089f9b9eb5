import { readFileSync } from "node:fs";

import { Ajv } from "ajv";

import { invalid } from "@andromede/base/errors";
import { parseJson } from "@andromede/base/json";
import type { DatabaseConfig } from "@andromede/platform/db/database";
import { storeSchema } from "@andromede/s3-client/place";

import type { ImageStoreConfig } from "./services/image/store/open-image-store.ts";

/** Where one plane listens; `url` is what catalogs and links show, without a trailing slash. */
export type Listener = { host: string; port: number; url: string };

export type Config = {
  /** The operator's name for this installation; prefixes namespaces and processes. */
  instance: string;
  region: string;
  logLevel?: string;
  /** What this process does; by default everything. */
  roles?: ("api" | "reconcile")[];
  database: DatabaseConfig;
  listeners: { customer: Listener; operator: Listener };
  tls: { certFile: string; keyFile: string; caFile: string } | null;
  /** Loopback benchmarks only: tokens and passwords cross the wire unencrypted. */
  plainHttp: boolean;
  ovn: { northbound: string } | null;
  /** Where the object store answers, by plane, without a trailing slash; absent: there is none. */
  objectStore?: { customer: string; operator: string };
  /** Where the bytes of images are: a directory, or a bucket of an S3 server. */
  imageStore: ImageStoreConfig;
  /** The operator's root key: 32 random bytes, base64, in a file only our user can read. */
  rootKeyFile: string;
  hosts: { name: string; socketPath: string }[];
  /** Where qemu-img is found for inspecting what customers upload; null only in tests that upload nothing. */
  jail: { engineRoot: string } | null;
  externalNetwork?: {
    name: string;
    cidr: string;
    gateway: string;
    allocationStart: string;
    allocationEnd: string;
    physicalNetwork: string;
  };
  /** Bytes: of one upload, of the disk inside an image, and of all images of a project. */
  image?: {
    maxBytes?: number;
    maxVirtualBytes?: number;
    projectBytes?: number;
    /** `host` or `host:port` that images may be fetched from (import method web-download); none unless said. */
    webDownloadHosts?: string[];
  };
  /** Seconds; 0 or absent: off (Nova's reclaim_instance_interval, resize_confirm_window, shelved_offload_time; the last: -1 is off). */
  compute?: { reclaimSeconds?: number; resizeConfirmSeconds?: number; shelvedOffloadSeconds?: number };
  /** How long what a deleted project owned is kept before it is purged; 30 unless said. */
  operator?: { purgeAfterDays?: number };
  identity?: {
    lockoutFailures?: number;
    lockoutSeconds?: number;
    passwordHistory?: number;
    tokenHours?: number;
    /** Absent: passwords do not end by age. */
    passwordExpiresDays?: number;
  };
};

const text = { type: "string", minLength: 1 } as const;
const port = { type: "integer", minimum: 0, maximum: 65535 } as const;
const listener = {
  type: "object",
  required: ["host", "port", "url"],
  additionalProperties: false,
  properties: { host: text, port, url: text },
} as const;

const configSchema = {
  type: "object",
  required: [
    "instance",
    "region",
    "database",
    "listeners",
    "tls",
    "plainHttp",
    "ovn",
    "imageStore",
    "rootKeyFile",
    "hosts",
    "jail",
  ],
  additionalProperties: false,
  properties: {
    instance: text,
    region: text,
    logLevel: text,
    roles: { type: "array", items: { enum: ["api", "reconcile"] }, minItems: 1 },
    database: {
      oneOf: [
        {
          type: "object",
          required: ["socketDir", "port", "name", "user"],
          additionalProperties: false,
          properties: { socketDir: text, port, name: text, user: text, password: { type: "string" } },
        },
        { type: "object", required: ["url"], additionalProperties: false, properties: { url: text } },
      ],
    },
    listeners: {
      type: "object",
      required: ["customer", "operator"],
      additionalProperties: false,
      properties: { customer: listener, operator: listener },
    },
    tls: {
      type: ["object", "null"],
      required: ["certFile", "keyFile", "caFile"],
      additionalProperties: false,
      properties: { certFile: text, keyFile: text, caFile: text },
    },
    plainHttp: { type: "boolean" },
    ovn: {
      type: ["object", "null"],
      required: ["northbound"],
      additionalProperties: false,
      properties: { northbound: text },
    },
    objectStore: {
      type: "object",
      required: ["customer", "operator"],
      additionalProperties: false,
      properties: { customer: text, operator: text },
    },
    imageStore: storeSchema("files", {
      required: ["directory"],
      properties: { directory: text, cacheBytes: { type: "integer", minimum: 0 } },
    }),
    rootKeyFile: text,
    hosts: {
      type: "array",
      items: {
        type: "object",
        required: ["name", "socketPath"],
        additionalProperties: false,
        properties: { name: text, socketPath: text },
      },
    },
    jail: {
      type: ["object", "null"],
      required: ["engineRoot"],
      additionalProperties: false,
      properties: { engineRoot: text },
    },
    externalNetwork: {
      type: "object",
      required: ["name", "cidr", "gateway", "allocationStart", "allocationEnd", "physicalNetwork"],
      additionalProperties: false,
      properties: {
        name: text,
        cidr: text,
        gateway: text,
        allocationStart: text,
        allocationEnd: text,
        physicalNetwork: text,
      },
    },
    image: {
      type: "object",
      additionalProperties: false,
      properties: {
        maxBytes: { type: "integer", minimum: 1 },
        maxVirtualBytes: { type: "integer", minimum: 1 },
        projectBytes: { type: "integer", minimum: 0 },
        webDownloadHosts: { type: "array", items: text },
      },
    },
    compute: {
      type: "object",
      additionalProperties: false,
      properties: {
        reclaimSeconds: { type: "integer", minimum: 0 },
        resizeConfirmSeconds: { type: "integer", minimum: 0 },
        shelvedOffloadSeconds: { type: "integer", minimum: -1 },
      },
    },
    operator: {
      type: "object",
      additionalProperties: false,
      properties: { purgeAfterDays: { type: "number", minimum: 0 } },
    },
    identity: {
      type: "object",
      additionalProperties: false,
      properties: {
        lockoutFailures: { type: "integer", minimum: 1 },
        lockoutSeconds: { type: "integer", minimum: 1 },
        passwordHistory: { type: "integer", minimum: 0 },
        tokenHours: { type: "number", exclusiveMinimum: 0 },
        passwordExpiresDays: { type: "number", exclusiveMinimum: 0 },
      },
    },
  },
};

/** Reads and checks the configuration; the error names the member that is wrong. */
export function loadConfig(file: string): Config {
  const value = parseJson(readFileSync(file, "utf8"), file);
  const validate = new Ajv({ allErrors: true, allowUnionTypes: true }).compile<Config>(configSchema);
  if (!validate(value)) {
    const wrong = (validate.errors ?? [])
      .map((error) => `${error.instancePath || "/"} ${error.message ?? ""}`)
      .join("; ");
    throw invalid(`${file}: ${wrong}`);
  }
  if (value.tls === null && !value.plainHttp) throw invalid(`${file}: /tls is null without plainHttp`);
  return value;
}
