/** Loads a volume, asks the plan for the next step, does that one step. Everything about WHAT to do is in volume.plan.ts. */
import { CloudError, messageOf } from "@andromede/base/errors";

import type { App } from "../../../app.ts";
import { type Outcome, type Reconciler, done, pollAfter } from "../../../reconcile/worker.ts";
import { findBackup } from "../backups/backup.queries.ts";
import { capabilitiesOf, satisfies } from "../hosts/capabilities.ts";
import { type VolumeHost, choosePool, hostOfPool, isUp } from "../hosts/host.model.ts";
import { listVolumeHosts, promisedByPool } from "../hosts/host.queries.ts";
import { receiveVolume } from "../hosts/receive-report.ts";
import type { Snapshot } from "../snapshots/snapshot.model.ts";
import { listVolumeSnapshots } from "../snapshots/snapshot.queries.ts";
import { findType } from "../types/type.queries.ts";
import { failDeletion, failVolume, forgetVolume, settleVolume } from "./settle-volume.ts";
import { toVolumeSpec } from "./volume-spec.ts";
import { type Volume, hostOf } from "./volume.model.ts";
import { type VolumeStep, planVolume } from "./volume.plan.ts";
import { countReaders, findVolume, listUnsettledVolumes, setPool, setWiped } from "./volume.queries.ts";

export const volumeReconciler: Reconciler = {
  kind: "volume",
  reconcile: (app, id) => reconcileVolume(app, id),
  resync: { everyMs: 30_000, ids: (app) => listUnsettledVolumes(app.db) },
};

const NO_BACKEND =
  "No storage could be allocated for this volume request. You may be able to try another size or volume type.";
/** What it is made from is being brought here: whoever asked waits a moment for it already. */
const SOURCE_POLL_MS = 250;
const WORKING_POLL_MS = 2_000;

type Loaded = { volume: Volume; snapshots: Snapshot[]; hosts: VolumeHost[]; host: string | null; users: number };

async function load(app: App, id: string): Promise<Loaded | null> {
  const [volume, snapshots, hosts] = await Promise.all([
    findVolume(app.db, id, null),
    listVolumeSnapshots(app.db, id),
    listVolumeHosts(app.db),
  ]);
  if (volume === null) return null;
  const [opener, users] = await Promise.all([openerOf(app, volume), volume.deleting ? countReaders(app.db, id) : 0]);
  return { volume, snapshots, hosts, host: agentFor(volume.pool, hosts, opener), users };
}

/** The host whose guest has the volume open, or what the volume is being made from: only its agent can ask that guest. */
async function openerOf(app: App, volume: Volume): Promise<string | null> {
  const own = hostOf(volume);
  if (own !== null || volume.status !== "creating" || volume.sourceVolumeId === null) return own;
  const source = await findVolume(app.db, volume.sourceVolumeId, null);
  return source === null ? null : hostOf(source);
}

/** Whose agent to ask about a pool's volume; null: none can be asked now. */
export function agentFor(pool: string | null, hosts: readonly VolumeHost[], opener: string | null): string | null {
  if (opener === null) return pool === null ? null : hostOfPool(hosts, pool);
  return hosts.some((host) => host.name === opener && isUp(host)) ? opener : null;
}

async function reconcileVolume(app: App, id: string): Promise<Outcome> {
  const loaded = await load(app, id);
  if (loaded === null) return done;
  return takeStep(app, loaded, plan(app, loaded));
}

const plan = (app: App, { volume, snapshots, host, users }: Loaded): VolumeStep =>
  planVolume(volume, { snapshots, host, users, nowMs: app.clock.now() });

async function takeStep(app: App, loaded: Loaded, step: VolumeStep): Promise<Outcome> {
  const { volume } = loaded;
  switch (step.step) {
    case "rest":
      return done;
    case "choosePool":
      return place(app, loaded);
    case "put":
      return put(app, loaded);
    case "settle":
      await settleVolume(app, volume);
      return done;
    case "fail":
      await failVolume(app, volume, step.message);
      return done;
    case "wipe":
      return wipe(app, loaded);
    case "delete":
      return remove(app, loaded);
    case "failDeletion":
      await failDeletion(app, volume, step.message);
      return done;
    case "forget":
      await forgetVolume(app, volume);
      return done;
    case "await":
      return pollAfter(step.checkAfterMs, step.why);
  }
}

/** Which pool its bytes go to; a copy stays where its source is. */
async function place(app: App, { volume, hosts }: Loaded): Promise<Outcome> {
  if (!hosts.some(isUp)) return pollAfter(WORKING_POLL_MS, "no host that keeps volumes answers");
  const [promised, type, source, backup] = await Promise.all([
    promisedByPool(app.db),
    findType(app.db, volume.volumeTypeId, null),
    volume.sourceVolumeId === null ? null : findVolume(app.db, volume.sourceVolumeId, null),
    volume.sourceBackupId === null ? null : findBackup(app.db, volume.sourceBackupId, null),
  ]);
  const home = source?.pool ?? backup?.pool ?? null;
  const suits = (pool: Parameters<typeof capabilitiesOf>[0]): boolean =>
    (home === null || home === pool.name) &&
    satisfies(capabilitiesOf(pool, promised[pool.name] ?? 0), type?.extraSpecs ?? {});
  const pool = choosePool(hosts, { sizeGib: volume.sizeGib, zone: volume.availabilityZone }, promised, suits);
  if (pool === null) {
    await failVolume(app, volume, NO_BACKEND, "scheduleVolume");
    return done;
  }
  await setPool(app.db, volume.id, pool);
  return reconcileVolume(app, volume.id);
}

async function put(app: App, { volume, snapshots, host }: Loaded): Promise<Outcome> {
  const spec = await toVolumeSpec(app, volume, snapshots);
  if ("gone" in spec) {
    await failVolume(app, volume, spec.gone);
    return done;
  }
  if ("later" in spec) return pollAfter(SOURCE_POLL_MS, spec.later);
  try {
    await receiveVolume(app, await app.agents.client(host ?? "").putVolume(spec));
  } catch (error) {
    return afterFailedCall(app, volume, error);
  }
  // the answer may already be the end of it
  const now = await load(app, volume.id);
  if (now === null) return done;
  const next = plan(app, now);
  if (next.step === "put") return pollAfter(WORKING_POLL_MS, `host ${host ?? ""} is at it`);
  return takeStep(app, now, next);
}

async function afterFailedCall(app: App, volume: Volume, error: unknown): Promise<Outcome> {
  if (!(error instanceof CloudError)) throw error;
  const { kind } = error;
  // the agent has a newer word than ours, or a guest is about to let go
  if (kind === "conflict") return pollAfter(500, messageOf(error));
  if (kind === "unavailable" || kind === "notFound") return pollAfter(1_000, messageOf(error));
  if (kind !== "invalid") throw error;
  await failVolume(app, volume, `The host refused the volume: ${error.message}`);
  return done;
}

async function remove(app: App, loaded: Loaded): Promise<Outcome> {
  const later = await removeBytes(app, loaded);
  if (later !== null) return later;
  await forgetVolume(app, loaded.volume);
  return done;
}

/** null: they are gone. */
async function removeBytes(app: App, { volume, host }: Loaded): Promise<Outcome | null> {
  try {
    const there = await app.agents.client(host ?? "").deleteVolume(volume.id, volume.generation);
    return there ? pollAfter(1_000, `host ${host ?? ""} is removing the volume`) : null;
  } catch (error) {
    if (error instanceof CloudError && ["conflict", "unavailable", "notFound"].includes(error.kind)) {
      return pollAfter(1_000, messageOf(error));
    }
    throw error;
  }
}

/** Away with what is there; what follows is the making of a new volume of the same name. */
async function wipe(app: App, loaded: Loaded): Promise<Outcome> {
  const { volume, snapshots } = loaded;
  // what there is stays when what was to take its place is gone
  const spec = await toVolumeSpec(app, volume, snapshots);
  if ("gone" in spec) {
    await failVolume(app, volume, spec.gone);
    return done;
  }
  if ("later" in spec) return pollAfter(SOURCE_POLL_MS, spec.later);
  const later = await removeBytes(app, loaded);
  if (later !== null) return later;
  await setWiped(app.db, volume.id, volume.generation);
  return pollAfter(0, "the volume is to be made anew");
}
