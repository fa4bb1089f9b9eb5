import { readFileSync } from "node:fs";

import { Ajv } from "ajv";

import { invalid } from "@andromede/base/errors";
import { parseJson } from "@andromede/base/json";
import type { DatabaseConfig } from "@andromede/platform/db/database";
import { type S3Place, storeSchema } from "@andromede/s3-client/place";

/** Where one plane is served; `url` is what catalogs and links show, without a trailing slash. */
type Listener = { host: string; port: number; url: string };

export type Config = {
  instance: string;
  region: string;
  logLevel?: string;
  database: DatabaseConfig;
  listeners: { customer: Listener; operator: Listener };
  tls: { certFile: string; keyFile: string; caFile: string } | null;
  /** Loopback benchmarks only. */
  plainHttp: boolean;
  rootKeyFile: string;
  /** Identity at the operators' door: `https://127.0.0.1:5001/identity`. */
  identityUrl: string;
  /** Hours that a token lives at most, as Identity's. */
  tokenHours: number;
  /** Worker processes; 2 unless said. */
  workers?: number;
  /** Directory of the `fs` driver, or the S3 server that keeps the bytes. */
  bytes: { driver: "fs"; directory: string } | ({ driver: "s3" } & S3Place);
  /** Domains below which a first label is a bucket (virtual-host style): `s3.example.org`. */
  s3Domains?: string[];
  /** Domains below which a first label is a bucket that is served as a website: `s3-website.example.org`. */
  s3WebsiteDomains?: string[];
  /** Requests a second that a project may make on this process; absent: no limit. */
  requestsPerSecond?: number;
  /** Signs requests for the admin part of Swift's /info; absent: nobody can make one. */
  swiftInfoKey?: string;
  /** How long a record of a server access log waits to be delivered; 300 unless said. */
  accessLogSeconds?: number;
  /** How long what was deleted is kept for those who are reading it; 600 unless said. */
  garbageGraceSeconds?: number;
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
    "rootKeyFile",
    "identityUrl",
    "tokenHours",
    "bytes",
  ],
  additionalProperties: false,
  properties: {
    instance: text,
    region: text,
    logLevel: text,
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
    rootKeyFile: text,
    identityUrl: text,
    tokenHours: { type: "number", exclusiveMinimum: 0 },
    workers: { type: "integer", minimum: 1, maximum: 64 },
    bytes: storeSchema("fs"),
    s3Domains: { type: "array", items: text },
    s3WebsiteDomains: { type: "array", items: text },
    requestsPerSecond: { type: "integer", minimum: 1 },
    swiftInfoKey: text,
    accessLogSeconds: { type: "number", minimum: 0 },
    garbageGraceSeconds: { type: "number", minimum: 0 },
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
