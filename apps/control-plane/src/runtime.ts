/** Builds the App and starts what the configured roles ask for. */
import { once } from "node:events";
import { promisify } from "node:util";

import type { Report } from "@andromede/agent-api/types";
import { type Clock, systemClock } from "@andromede/base/clock";
import type { Logger } from "@andromede/base/log";
import { openDatabase } from "@andromede/platform/db/database";
import { openKeyTree } from "@andromede/platform/keys/key-tree";
import { startTokenVerifier } from "@andromede/platform/tokens/token-verifier";

import { createAgentDirectory, followAgent } from "./agents/links.ts";
import type { App } from "./app.ts";
import type { Config } from "./config.ts";
import { migrate } from "./db/migrate.ts";
import { startSequencer } from "./events/sequencer.ts";
import { createDoor, createHttpServer } from "./http/server.ts";
import { notifyOnly } from "./reconcile/notify.ts";
import { noReconcile } from "./reconcile/signal.ts";
import { Worker } from "./reconcile/worker.ts";
import { reconcilers, services } from "./services.ts";
import { attachConsoles } from "./services/compute/consoles/console-socket.ts";
import { markHostLost, receiveReport } from "./services/compute/hosts/receive-report.ts";
import { tokenLifetimeMs } from "./services/identity/tokens/token-lifetime.ts";
import { openImageStore } from "./services/image/store/open-image-store.ts";
import { markVolumeHostLost, receiveVolumeReport } from "./services/volume/public.ts";
import { connectNorthbound } from "./services/network/ovn/northbound.ts";

export type Runtime = { app: App; stop: () => Promise<void> };

/** Everything but listeners and workers: what one-shot commands and tests need too. Stops in the reverse order of starting. */
export async function openApp(config: Config, log: Logger, clock: Clock = systemClock): Promise<Runtime> {
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const stopOne of stops.toReversed()) await stopOne();
  };
  try {
    const db = openDatabase(config.database, { applicationName: "control-plane" });
    stops.push(() => db.end({ timeout: 5 }));
    await migrate(db);
    const keys = await openKeyTree({ rootKeyFile: config.rootKeyFile, db });
    const tokens = await startTokenVerifier({ lifetimeMs: tokenLifetimeMs(config), db, keys, clock, log });
    stops.push(() => tokens.stop());
    const ovn = config.ovn === null ? null : await connectNorthbound({ address: config.ovn.northbound, log });
    if (ovn !== null) stops.push(() => ovn.close());
    const imageStore = openImageStore({ config: config.imageStore, rootKeyFile: config.rootKeyFile, log });
    stops.push(() => imageStore.close());
    const app: App = {
      config,
      db,
      clock,
      log,
      tokens,
      keys,
      reconcile: noReconcile,
      ovn,
      agents: createAgentDirectory(config.hosts),
      imageStore,
    };
    return { app, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The whole program. Resolves once both listeners answer. */
export async function startRuntime(config: Config, log: Logger): Promise<Runtime> {
  const { app, stop: closeApp } = await openApp(config, log);
  const roles = config.roles ?? ["api", "reconcile"];
  const stops: (() => Promise<void>)[] = [closeApp];
  if (roles.includes("reconcile")) stops.push(...(await startReconciling(app)));
  else app.reconcile = notifyOnly(app.db, log);
  if (roles.includes("api")) stops.push(...(await startListening(app)));
  return {
    app,
    async stop() {
      for (const stopOne of stops.toReversed()) await stopOne();
    },
  };
}

async function startReconciling(app: App): Promise<(() => Promise<void>)[]> {
  // a second process on the same listener cannot exist, so its address names the seat
  const worker = new Worker(reconcilers, { seat: app.config.listeners.operator.url });
  app.reconcile = worker;
  await worker.start(app);
  const sequencer = startSequencer(app);
  const following = new AbortController();
  const links = app.config.hosts.map((host) =>
    followAgent(host.name, app.agents.client(host.name), (name, report) => receiveAll(app, name, report), {
      signal: following.signal,
      log: app.log,
      onLost: async (name) => {
        await Promise.all([markHostLost(app, name), markVolumeHostLost(app, name)]);
      },
    }),
  );
  return [
    () => worker.stop(),
    () => sequencer.stop(),
    async () => {
      following.abort();
      await Promise.all(links);
    },
  ];
}

/** A report speaks of guests, and of what volumes are made of: each service takes its part. */
async function receiveAll(app: App, host: string, report: Report): Promise<void> {
  await Promise.all([receiveReport(app, host, report), receiveVolumeReport(app, host, report)]);
}

async function startListening(app: App): Promise<(() => Promise<void>)[]> {
  const { customer, operator } = app.config.listeners;
  const front = createHttpServer(app, { plane: "customer", baseUrl: customer.url }, services);
  const operators = createDoor(app, { plane: "operator", baseUrl: operator.url }, front);
  const closeOperators = promisify(operators.close.bind(operators));
  await front.ready();
  const doors = [
    { plane: "customer", ...customer, server: front.server, close: () => front.close() },
    { plane: "operator", ...operator, server: operators, close: () => closeOperators() },
  ];
  const stops: (() => Promise<void>)[] = [];
  for (const { plane, host, port, url, server, close } of doors) {
    const consoles = attachConsoles(app, server);
    server.listen({ host, port });
    await once(server, "listening");
    app.log.info({ plane, url }, "listening");
    stops.push(async () => {
      consoles.close();
      server.closeAllConnections();
      await close();
    });
  }
  return stops;
}
