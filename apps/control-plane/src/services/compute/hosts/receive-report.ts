/**
 * What agents see becomes observed columns: one statement a report, guarded by generation, so that reports may come late,
 * twice, or from two control planes. Only keys of servers that really changed are enqueued.
 */
import type { GuestReport, Report } from "@andromede/agent-api/types";
import { newUuid } from "@andromede/base/ids";

import type { App } from "../../../app.ts";
import { type ResourceKey, insertKeys } from "../../../reconcile/queue.ts";
import { portsObserved } from "../../network/public.ts";
import {
  listMissing,
  listOrphans,
  listUnsettledOn,
  storeGuestReports,
  storeHostFacts,
  storeHostLost,
  storeMissing,
} from "./host.queries.ts";

/** A report says nothing about what was agreed with the agent while it was on its way. */
const MISSING_AFTER_MS = 10_000;

const toKey = (id: string): ResourceKey => `server/${id}`;

/** Takes in one report of a host, in the order they came. */
export async function receiveReport(app: App, host: string, report: Report): Promise<void> {
  const nowMs = app.clock.now();
  const [changed, , returned] = await Promise.all([
    storeGuestReports(app.db, host, report.guests, { nowMs, from: "stream" }),
    portsObserved(
      app.db,
      host,
      report.guests.map((guest) => ({ serverId: guest.id, portsUp: guest.portsUp })),
    ),
    storeHostFacts(
      app.db,
      host,
      report.host,
      { hypervisor: newUuid(), service: newUuid() },
      { nowMs, full: report.full },
    ),
  ]);
  const keys = new Set(changed.map(toKey));
  if (returned) for (const id of await listUnsettledOn(app.db, host)) keys.add(toKey(id));
  if (report.full) for (const id of await settleDifferences(app, host, report.guests, nowMs)) keys.add(toKey(id));
  await enqueue(app, [...keys]);
}

/** What a call to an agent answered is a report like any other. */
export async function receiveGuest(app: App, host: string, guest: GuestReport): Promise<void> {
  await Promise.all([
    storeGuestReports(app.db, host, [guest], { nowMs: app.clock.now(), from: "call" }),
    portsObserved(app.db, host, [{ serverId: guest.id, portsUp: guest.portsUp }]),
  ]);
}

/** The stream of a host's agent broke: the scheduler leaves it alone until it is back. */
export async function markHostLost(app: App, host: string): Promise<void> {
  await storeHostLost(app.db, host, app.clock.now());
  const ids = await listUnsettledOn(app.db, host);
  await enqueue(app, ids.map(toKey));
}

/** Only a full report tells what is NOT there: guests nobody owns, and servers whose guest is gone from its host. */
async function settleDifferences(app: App, host: string, guests: GuestReport[], nowMs: number): Promise<string[]> {
  const client = app.agents.client(host);
  const there = guests.map((guest) => guest.id);
  const [orphans, missing] = await Promise.all([
    listOrphans(app.db, host, there),
    listMissing(app.db, host, there, new Date(nowMs - MISSING_AFTER_MS)),
  ]);
  for (const guest of guests) {
    if (!orphans.includes(guest.id) || guest.gone === true) continue;
    app.log.warn({ host, guest: guest.id }, "removing a guest that belongs to no server");
    await client.deleteGuest(guest.id, guest.generation + 1);
  }
  const lost: string[] = [];
  for (const server of missing) {
    if ((await client.getGuest(server.id)) !== null) continue; // put there while the report was on its way
    if (server.launched) app.log.error({ host, server: server.id }, "the host no longer has this server's guest");
    await storeMissing(app.db, host, server.id, "The host no longer has this server's disk.");
    lost.push(server.id);
  }
  return lost;
}

async function enqueue(app: App, keys: ResourceKey[]): Promise<void> {
  if (keys.length === 0) return;
  await insertKeys(app.db, keys);
  app.reconcile.wake();
}
