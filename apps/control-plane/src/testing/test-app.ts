/** A control plane for tests: real PostgreSQL, real HTTP front without a socket, tokens for made-up actors. Test files only. */
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { AgentClient } from "@andromede/agent-api/client";
import { manualClock, systemClock } from "@andromede/base/clock";
import { notFound } from "@andromede/base/errors";
import { newHexId } from "@andromede/base/ids";
import { silentLogger } from "@andromede/base/log";
import { waitUntil } from "@andromede/base/waiting";
import { openDatabase } from "@andromede/platform/db/database";
import { openKeyTree } from "@andromede/platform/keys/key-tree";
import type { Actor, Plane } from "@andromede/platform/tokens/actor";
import { startTokenVerifier } from "@andromede/platform/tokens/token-verifier";
import { type TestDatabase, createTestDatabase } from "@andromede/testkit/database";
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from "fastify";

import type { App } from "../app.ts";
import type { Config } from "../config.ts";
import { migrate, readMigrations } from "../db/migrate.ts";
import { createHttpServer } from "../http/server.ts";
import type { Service } from "../http/service.ts";
import { noReconcile } from "../reconcile/signal.ts";
import { type Reconciler, Worker } from "../reconcile/worker.ts";
import { tokenLifetimeMs } from "../services/identity/tokens/token-lifetime.ts";
import { openImageStore } from "../services/image/store/open-image-store.ts";
import type { OvnNorthbound } from "../services/network/ovn/northbound.ts";

export type Answer = { status: number; headers: { [name: string]: unknown }; body: never; text: string };

export type TestRequest = {
  method: string;
  url: string;
  token?: string;
  body?: unknown;
  headers?: { [name: string]: string };
  plane?: Plane;
  /** Sent as it is. */
  payload?: string | Buffer;
};

export type TestApp = {
  app: App;
  /** A token that the app's verifier takes for this actor. Defaults: a member of a new project, a customer. */
  tokenFor(actor?: Partial<Omit<Actor, "roles">> & { roles?: string[] }): string;
  /** An operator with role admin. */
  adminToken: string;
  inject(request: TestRequest): Promise<Answer>;
  /** Runs reconcilers until no key is due or leased. */
  drain(timeoutMs?: number): Promise<void>;
  clock: { advance(ms: number): void };
  close(): Promise<void>;
};

export type TestAppOptions = {
  services?: Service[];
  reconcilers?: Reconciler[];
  agents?: { [host: string]: AgentClient };
  ovn?: OvnNorthbound;
  config?: Partial<Config>;
  /** By default time is real; "manual" starts now and moves by `clock.advance`. */
  time?: "manual";
};

export async function createTestApp(options: TestAppOptions = {}): Promise<TestApp> {
  const database = await newDatabase();
  const home = mkdtempSync(join(tmpdir(), "andromede-test-"));
  const config = testConfig(home, database.config, options.config);
  const db = openDatabase(config.database, { max: 6 });
  const clock = options.time === "manual" ? manualClock(Date.now()) : { ...systemClock, advance: () => undefined };
  const actors = new Map<string, Actor>();
  const madeUp = (token: string, now: number): Actor | null => {
    const actor = actors.get(token);
    return actor !== undefined && actor.expiresAtMs > now ? actor : null;
  };
  const keys = await openKeyTree({ rootKeyFile: config.rootKeyFile, db }).catch(async (error: unknown) => {
    await db.end();
    await database.drop();
    throw error;
  });
  const tokens = await startTokenVerifier({ lifetimeMs: tokenLifetimeMs(config), db, keys, clock, log: silentLogger });
  const worker = new Worker(options.reconcilers ?? [], { seat: "test" });
  const app: App = {
    config,
    db,
    clock,
    log: silentLogger,
    tokens: { ...tokens, verify: (token, now) => madeUp(token, now) ?? tokens.verify(token, now) },
    keys,
    reconcile: options.reconcilers === undefined ? noReconcile : worker,
    ovn: options.ovn ?? null,
    agents: agentsOf(options.agents ?? {}),
    imageStore: openImageStore({ config: config.imageStore, rootKeyFile: config.rootKeyFile, log: silentLogger }),
  };
  if (options.reconcilers !== undefined) await worker.start(app);
  const door = (plane: Plane): FastifyInstance =>
    createHttpServer(app, { plane, baseUrl: config.listeners[plane].url }, options.services ?? []);
  const doors = { customer: door("customer"), operator: door("operator") };
  const tokenFor: TestApp["tokenFor"] = (actor = {}) => {
    const token = randomBytes(12).toString("base64url");
    actors.set(token, toActor(actor));
    return token;
  };
  return {
    app,
    tokenFor,
    adminToken: tokenFor({ roles: ["admin"], directory: "operator", userName: "admin", userDomainId: "operators" }),
    async inject(request) {
      const plane = request.plane ?? actors.get(request.token ?? "")?.directory ?? "customer";
      return toAnswer(await doors[plane].inject(toSent(request)));
    },
    drain: (timeoutMs = 30_000) => drainQueue(app, timeoutMs),
    clock,
    async close() {
      if (options.reconcilers !== undefined) await worker.stop();
      await Promise.all([doors.customer.close(), doors.operator.close()]);
      await tokens.stop();
      await app.imageStore.close();
      await db.end({ timeout: 1 });
      await database.drop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** A database at the newest schema, cloned from a template that the migrations' fingerprint names. */
function newDatabase(): Promise<TestDatabase> {
  const migrations = readMigrations();
  const fingerprint = createHash("sha256")
    .update(migrations.map((one) => one.checksum).join())
    .digest("hex")
    .slice(0, 16);
  return createTestDatabase(fingerprint, async (config) => {
    const db = openDatabase(config, { max: 1 });
    await migrate(db, migrations);
    await db.end();
  });
}

const agentsOf = (clients: { [host: string]: AgentClient }): App["agents"] => ({
  client(host) {
    const client = clients[host];
    if (client === undefined) throw notFound(`no host ${host}`);
    return client;
  },
});

function toSent({ method, url, token, headers, body, payload }: TestRequest): InjectOptions {
  const sent = payload ?? (body === undefined ? undefined : JSON.stringify(body));
  return {
    method: method as "GET",
    url,
    headers: {
      ...(token === undefined ? {} : { "x-auth-token": token }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(sent === undefined ? {} : { payload: sent }),
  };
}

function toAnswer({ statusCode, headers, body }: LightMyRequestResponse): Answer {
  const isJson = String(headers["content-type"] ?? "").includes("json");
  return {
    status: statusCode,
    headers,
    body: (isJson && body !== "" ? JSON.parse(body) : undefined) as never,
    text: body,
  };
}

async function drainQueue(app: App, timeoutMs: number): Promise<void> {
  await waitUntil(
    "an empty reconcile queue",
    async () => {
      app.reconcile.wake();
      const [row] = await app.db<{ n: number }[]>`
        select count(*)::int as n from reconcile_queue where run_at <= now() + interval '1 second' or lease_until > now()`;
      return row?.n === 0;
    },
    { timeoutMs, everyMs: 10 },
  );
}

function toActor(actor: Parameters<TestApp["tokenFor"]>[0] & {}): Actor {
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
  const rootKeyFile = join(home, "root.key");
  writeFileSync(rootKeyFile, randomBytes(32).toString("base64"), { mode: 0o600 });
  return {
    instance: "test",
    region: "RegionOne",
    database,
    listeners: {
      customer: { host: "127.0.0.1", port: 0, url: "https://customer.test" },
      operator: { host: "127.0.0.1", port: 0, url: "https://operator.test" },
    },
    tls: null,
    plainHttp: true,
    ovn: null,
    imageStore: { driver: "files", directory: join(home, "images") },
    rootKeyFile,
    hosts: [],
    jail: null,
    ...overrides,
  };
}
