/** An object store for tests: real PostgreSQL, tokens and access keys of made-up actors. Test files only. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type Clock, manualClock, systemClock } from "@andromede/base/clock";
import { notFound } from "@andromede/base/errors";
import { newHexId } from "@andromede/base/ids";
import { silentLogger } from "@andromede/base/log";
import { type Database, openDatabase } from "@andromede/platform/db/database";
import type { Origin } from "@andromede/platform/events/append";
import { openKeyTree } from "@andromede/platform/keys/key-tree";
import { createRootKey } from "@andromede/platform/keys/root-key";
import type { Actor } from "@andromede/platform/tokens/actor";
import { signingKeyOf } from "@andromede/platform/tokens/signing-key";

import { insertLogRows } from "../access-logs/access-log.queries.ts";
import { AccessLog } from "../access-logs/access-log.ts";
import type { AccessKeys } from "../access/access-keys.ts";
import type { Config } from "../config.ts";
import type { Front } from "../http/exchange.ts";
import { type Fronts, createObjectServer } from "../http/server.ts";
import { addTraffic } from "../http/traffic.queries.ts";
import { TrafficMeter } from "../http/traffic.ts";
import { createByteStore } from "../bytes/open-byte-store.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import { createNamespace } from "../namespace/create-namespace.ts";
import type { Store } from "../store.ts";
import { newDatabase } from "./test-database.ts";

export type MadeUpActor = Partial<Omit<Actor, "roles">> & { roles?: string[] };

export type TestStore = {
  store: Store;
  clock: Clock & { advance(ms: number): void };
  /** A token that the store takes for this actor. Defaults: a member of a new project, a customer. */
  tokenFor(actor?: MadeUpActor): string;
  actorFor(actor?: MadeUpActor): Actor;
  /** An access key and its secret, for this actor. */
  accessKeyFor(actor?: MadeUpActor): { accessKey: string; secretKey: string; actor: Actor };
  originFor(actor?: MadeUpActor): Origin;
  /** Serves on a port of its own until `stop`; what is not given answers 404. Gives `http://127.0.0.1:<port>`. */
  listen(fronts: Partial<Fronts>, plane?: "customer" | "operator"): Promise<string>;
  stop(): Promise<void>;
};

export async function createTestStore(
  options: { config?: Partial<Config>; time?: "manual"; bytes?: (db: Database) => Promise<ByteStore> } = {},
): Promise<TestStore> {
  const database = await newDatabase();
  const home = mkdtempSync(join(tmpdir(), "andromede-store-"));
  const config = testConfig(home, database.config, options.config);
  createRootKey(config.rootKeyFile);
  const db = openDatabase(config.database, { max: 16 });
  const clock = options.time === "manual" ? manualClock(Date.now()) : { ...systemClock, advance: () => undefined };
  const keys = await openKeyTree({ rootKeyFile: config.rootKeyFile, db });
  const bytes = await (options.bytes?.(db) ??
    createByteStore({ bytes: config.bytes, db, database: config.database, log: silentLogger, threads: 1 }));
  const actors = new Map<string, Actor>();
  const { accessKeys, accessKeyFor } = madeUpAccessKeys();
  const store: Store = {
    config,
    db,
    clock,
    log: silentLogger,
    keys,
    tokens: {
      verify(token, nowMs) {
        const actor = actors.get(token);
        return actor !== undefined && actor.expiresAtMs > nowMs ? actor : null;
      },
    },
    accessKeys,
    bytes,
    namespace: createNamespace({ db, clock, log: silentLogger, keys, bytes }),
    accessLog: new AccessLog({ log: silentLogger, write: (rows) => insertLogRows(db, rows) }),
  };
  const closing: (() => Promise<void>)[] = [];
  return {
    store,
    clock,
    tokenFor(actor) {
      const token = randomBytes(12).toString("base64url");
      actors.set(token, toActor(actor));
      return token;
    },
    actorFor: toActor,
    accessKeyFor,
    originFor(actor) {
      const { userId, userName, projectId, directory } = toActor(actor);
      return { requestId: "req-test", userId, userName, projectId, plane: directory, address: null };
    },
    async listen(fronts, plane = "customer") {
      const { url, close } = await serve(store, fronts, plane);
      closing.push(close);
      return url;
    },
    async stop() {
      await Promise.all(closing.map((close) => close()));
      await store.accessLog.stop();
      await bytes.close();
      await db.end({ timeout: 1 });
      await database.drop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

const nothing: Front = {
  handle: () => Promise.reject(notFound("nothing is served here")),
  fail: (exchange) => void exchange.response.writeHead(404).end(),
};

async function serve(
  store: Store,
  fronts: Partial<Fronts>,
  plane: "customer" | "operator",
): Promise<{ url: string; close: () => Promise<void> }> {
  const traffic = new TrafficMeter({
    clock: store.clock,
    log: store.log,
    write: (rows) => addTraffic(store.db, rows),
    perSecond: store.config.requestsPerSecond,
  });
  const door = { plane, url: "" };
  const server = createObjectServer(store, door, { swift: nothing, s3: nothing, ...fronts }, traffic);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  door.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: door.url,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await traffic.stop();
    },
  };
}

function madeUpAccessKeys(): { accessKeys: AccessKeys; accessKeyFor: TestStore["accessKeyFor"] } {
  const known = new Map<string, { actor: Actor; secretKey: string }>();
  return {
    accessKeys: {
      find(accessKey, scope) {
        const found = known.get(accessKey);
        return Promise.resolve(
          found === undefined ? null : { actor: found.actor, signingKey: signingKeyOf(found.secretKey, scope) },
        );
      },
    },
    accessKeyFor(actor) {
      const made = { accessKey: newHexId(), secretKey: newHexId(), actor: toActor(actor) };
      known.set(made.accessKey, made);
      return made;
    },
  };
}

function toActor(actor: MadeUpActor = {}): Actor {
  const id = newHexId();
  return {
    userId: id,
    userName: `user-${id.slice(0, 6)}`,
    userDomainId: "default",
    projectId: newHexId(),
    projectName: `project-${id.slice(0, 6)}`,
    projectDomainId: "default",
    domainId: null,
    directory: "customer",
    auditIds: [id],
    expiresAtMs: Date.now() + 3_600_000,
    ...actor,
    roles: new Set(actor.roles ?? ["member"]),
  };
}

function testConfig(home: string, database: Config["database"], overrides: Partial<Config> = {}): Config {
  return {
    instance: "test",
    region: "RegionOne",
    database,
    listeners: {
      customer: { host: "127.0.0.1", port: 0, url: "http://customer.test" },
      operator: { host: "127.0.0.1", port: 0, url: "http://operator.test" },
    },
    tls: null,
    plainHttp: true,
    rootKeyFile: join(home, "root.key"),
    identityUrl: "http://identity.test",
    tokenHours: 8,
    bytes: { driver: "fs", directory: join(home, "bytes") },
    ...overrides,
  };
}
