/** Builds the Store and opens both doors: what one worker process is. */
import type { Server } from "node:http";

import { type Clock, systemClock } from "@andromede/base/clock";
import type { Logger } from "@andromede/base/log";
import { openDatabase } from "@andromede/platform/db/database";
import { openKeyTree } from "@andromede/platform/keys/key-tree";
import { startTokenVerifier } from "@andromede/platform/tokens/token-verifier";

import { insertLogRows } from "./access-logs/access-log.queries.ts";
import { AccessLog } from "./access-logs/access-log.ts";
import { deliverAccessLogs } from "./access-logs/deliver.ts";
import { openAccessKeys } from "./access/access-keys.ts";
import { createByteStore } from "./bytes/open-byte-store.ts";
import type { Config } from "./config.ts";
import { createObjectServer } from "./http/server.ts";
import { addTraffic } from "./http/traffic.queries.ts";
import { TrafficMeter } from "./http/traffic.ts";
import { type Leased, startLeased } from "./maintenance/lease.ts";
import { createNamespace } from "./namespace/create-namespace.ts";
import { s3Front } from "./s3/front.ts";
import type { Store } from "./store.ts";
import { swiftFront } from "./swift/front.ts";

const HOUR_MS = 3_600_000;
const CONNECTIONS = 12;

/** Stops in the reverse order of starting. */
export type Running = { stop: () => Promise<void> };

export async function startWorker(config: Config, log: Logger, clock: Clock = systemClock): Promise<Running> {
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const stopOne of stops.toReversed()) await stopOne();
  };
  try {
    const db = openDatabase(config.database, { max: CONNECTIONS, applicationName: "object-store" });
    stops.push(() => db.end({ timeout: 5 }));
    const keys = await openKeyTree({ rootKeyFile: config.rootKeyFile, db });
    const tokens = await startTokenVerifier({ lifetimeMs: config.tokenHours * HOUR_MS, db, keys, clock, log });
    stops.push(() => tokens.stop());
    const bytes = await createByteStore({ bytes: config.bytes, db, database: config.database, log });
    stops.push(() => bytes.close());
    const { identityUrl } = config;
    const accessKeys = openAccessKeys({ identityUrl, caFile: config.tls?.caFile ?? null, tokens, clock });
    const namespace = createNamespace({ db, clock, log, keys, bytes });
    const accessLog = new AccessLog({ log, write: (rows) => insertLogRows(db, rows) });
    stops.push(() => accessLog.stop());
    const store: Store = { config, db, clock, log, keys, tokens, accessKeys, bytes, namespace, accessLog };
    const delivery = startDelivery(store);
    stops.push(() => delivery.stop());
    stops.push(...(await openDoors(store)));
    return { stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const DELIVERY_EVERY_MS = 10_000;
const ACCESS_LOG_SECONDS = 300;

/** By a worker, since it is one that can seal: whichever has the lease. */
function startDelivery({ config, db, clock, log, namespace }: Store): Leased {
  const everySeconds = config.accessLogSeconds ?? ACCESS_LOG_SECONDS;
  const { region, database } = config;
  return startLeased({
    name: "access logs",
    database,
    everyMs: Math.min(DELIVERY_EVERY_MS, Math.max(1_000, everySeconds * 1_000)),
    log,
    turn: (signal) => deliverAccessLogs({ db, clock, log, namespace, region, everySeconds }, signal),
  });
}

async function openDoors(store: Store): Promise<(() => Promise<void>)[]> {
  const { config, clock, log } = store;
  const traffic = new TrafficMeter({
    clock,
    log,
    write: (rows) => addTraffic(store.db, rows),
    perSecond: config.requestsPerSecond,
  });
  const stops = [() => traffic.stop()];
  for (const plane of ["customer", "operator"] as const) {
    const { host, port, url } = config.listeners[plane];
    const server = createObjectServer(store, { plane, url }, { swift: swiftFront, s3: s3Front }, traffic);
    await listen(server, host, port);
    log.info({ plane, url }, "listening");
    stops.push(async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      // what is under way may end, but nobody waits for somebody else's slow download
      const deadline = setTimeout(() => server.closeAllConnections(), STOP_MS);
      await closed;
      clearTimeout(deadline);
    });
  }
  return stops;
}

const STOP_MS = 5_000;

/** Each worker has a socket of its own on the port: the system deals connections out, and whoever dies takes its own along. */
async function listen(server: Server, host: string, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen({ host, port, backlog: 1024, reusePort: true }, resolve);
  await promise;
  server.off("error", reject);
}
