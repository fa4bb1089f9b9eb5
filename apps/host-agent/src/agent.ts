/** An agent: ledger, reconciler, reports and API of one host, over a backend. */
import { mkdir } from "node:fs/promises";
import type { Server } from "node:http";
import { dirname } from "node:path";

import { AGENT_API_VERSION, type GuestReport, type HostFacts } from "@andromede/agent-api/types";
import { type Clock, systemClock } from "@andromede/base/clock";
import { notFound } from "@andromede/base/errors";
import type { Logger } from "@andromede/base/log";

import { type ApiAgent, createApi, listenOn } from "./api.ts";
import type { Backend } from "./backend.ts";
import { DEFAULT_LIMITS, type PlanLimits } from "./guest.plan.ts";
import { type Ledger, openLedger } from "./ledger.ts";
import { Reconciler, lastReport } from "./reconciler.ts";
import { Reports } from "./report.ts";
import { type Reported, type Storage, type StorageParts, createStorage } from "./volumes/storage.ts";

export type AgentOptions = {
  host: string;
  socketPath: string;
  /** null: the ledger is kept in memory only. */
  ledgerDir: string | null;
  controlPlaneGid?: number;
  limits?: Partial<PlanLimits>;
  clock?: Clock;
  log: Logger;
  backend: () => Backend;
  /** Absent: the host has no pool of volumes. */
  storage?: (backend: Backend) => StorageParts;
};

export type Agent = {
  /** Stops serving and lets go; guests keep running. */
  close(): Promise<void>;
};

const GARBAGE_EVERY_MS = 60_000;
/** A deletion that takes no longer is over when it is answered. */
const PROMPT_MS = 250;

/** Starts an agent: what runs already is adopted before the first request is answered. */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { log, host } = options;
  const clock = options.clock ?? systemClock;
  const ledger = await openLedger({ directory: options.ledgerDir, clock, log });
  const backend = options.backend();
  const parts = options.storage?.(backend);
  const storage =
    parts === undefined
      ? null
      : createStorage({ parts, clock, log, changed: (change) => reports.storageChanged(change) });
  const facts = (): HostFacts => ({
    apiVersion: AGENT_API_VERSION,
    hostname: host,
    ...backend.facts(),
    ...(storage === null ? {} : { pools: storage.pools() }),
  });
  const reports = new Reports(
    {
      host: facts,
      guests: { ids: () => ledger.entries.keys(), report: (guestId) => reconciler.report(guestId) },
      volumes: storage?.volumes ?? NOTHING,
      backups: storage?.backups ?? NOTHING,
      exports: storage?.exports ?? NOTHING,
    },
    log,
  );
  const reconciler = new Reconciler({
    ledger,
    backend,
    clock,
    log,
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    onReport: (guestId, gone) => reports.changed(guestId, gone),
  });
  const server = createApi(apiOf({ ledger, backend, reconciler, reports, facts, storage }), log);

  await backend.start(ledger.entries);
  await storage?.start();
  await mkdir(dirname(options.socketPath), { recursive: true });
  await listenOn(server, options.socketPath, options.controlPlaneGid);
  backend.entriesChanged(ledger.entries);
  reconciler.wakeAll();
  let tidying: Promise<void> = Promise.resolve();
  const tidyUp = (): void => {
    tidying = tidying.then(() => tidy({ ledger, backend, storage, log })).then(() => reconciler.wakeAll());
  };
  tidyUp();
  const garbage = setInterval(tidyUp, GARBAGE_EVERY_MS).unref();

  return {
    async close() {
      clearInterval(garbage);
      reports.close();
      await closeServer(server);
      await reconciler.close();
      await tidying;
      await storage?.close();
      await backend.close();
    },
  };
}

/** Of a host without a pool. */
const NOTHING: Reported<never> = { ids: () => [], report: () => undefined };

async function tidy({
  ledger,
  backend,
  storage,
  log,
}: Pick<Parts, "ledger" | "backend" | "storage"> & { log: Logger }): Promise<void> {
  try {
    await ledger.tidy();
    await backend.collectGarbage(ledger.entries, (guestId) => ledger.knows(guestId));
    await storage?.tidy();
  } catch (error) {
    log.error({ error }, "collecting garbage failed, will be tried again");
  }
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

type Parts = {
  ledger: Ledger;
  backend: Backend;
  reconciler: Reconciler;
  reports: Reports;
  facts: () => HostFacts;
  storage: Storage | null;
};

function apiOf({ ledger, backend, reconciler, reports, facts, storage }: Parts): ApiAgent {
  const reportOf = (id: string): GuestReport => {
    const report = reconciler.report(id);
    if (report === undefined) throw notFound(`no guest ${id} on this host`);
    return report;
  };
  return {
    storage,
    host: facts,
    guests: () => [...ledger.entries.keys()].map(reportOf),
    async putGuest(spec) {
      await ledger.put(spec);
      backend.entriesChanged(ledger.entries);
      reconciler.wake(spec.id);
      return reportOf(spec.id);
    },
    getGuest: (id) => reconciler.report(id),
    async deleteGuest(id, generation) {
      const entry = await ledger.remove(id, generation);
      if (entry === null) return null;
      reconciler.wake(id);
      await reconciler.endOfTurn(id, PROMPT_MS);
      return reconciler.report(id) ?? lastReport(id, generation);
    },
    async rebootGuest(id, kind, nonce) {
      await ledger.wantReboot(id, kind, nonce);
      reconciler.wake(id);
    },
    consoleText: (id, lines) => backend.consoleText(id, lines),
    setPassword: (id, user, password) => backend.setPassword(id, user, password),
    injectNmi: (id) => backend.injectNmi(id),
    diagnostics: (id) => backend.diagnostics(id),
    openStream: (id, stream) => backend.openStream(id, stream),
    streamReports: (response) => reports.add(response),
    dropImage: (id) => backend.dropImage(id, ledger.entries),
  };
}
