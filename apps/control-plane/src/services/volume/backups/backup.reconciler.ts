/** Loads a backup, asks the plan for the next step, does that one step. Everything about WHAT to do is in backup.plan.ts. */
import { CloudError, messageOf } from "@andromede/base/errors";
import { systemOrigin } from "@andromede/platform/events/append";

import type { App } from "../../../app.ts";
import { type Transaction, transact } from "../../../db/transaction.ts";
import { type Outcome, type Reconciler, done, pollAfter } from "../../../reconcile/worker.ts";
import { type VolumeHost, hostOfPool, isUp } from "../hosts/host.model.ts";
import { listVolumeHosts } from "../hosts/host.queries.ts";
import { tellCustomer } from "../messages/tell-customer.ts";
import { giveBackQuota } from "../quotas/take-quota.ts";
import { openVolumeKey } from "../volumes/volume-spec.ts";
import { type Volume, hostOf } from "../volumes/volume.model.ts";
import { findVolume } from "../volumes/volume.queries.ts";
import { type Backup, backupKeyName, backupTarget } from "./backup.model.ts";
import { type BackupStep, planBackup, removerOf } from "./backup.plan.ts";
import {
  deleteBackupRow,
  findBackup,
  findBackupKey,
  listUnsettledBackups,
  setBackupHost,
  setBackupStatus,
  storeBackupReports,
} from "./backup.queries.ts";
import { holdBackup } from "./change-backups.ts";
import { releaseSource } from "./release-source.ts";

const origin = systemOrigin("volume_backup.reconciler");
const POLL_MS = 2_000;

export const backupReconciler: Reconciler = {
  kind: "volume_backup",
  reconcile: (app, id) => reconcileBackup(app, id),
  resync: { everyMs: 30_000, ids: (app) => listUnsettledBackups(app.db) },
};

type Loaded = { backup: Backup; volume: Volume | null; hosts: VolumeHost[]; host: string | null };

async function reconcileBackup(app: App, id: string): Promise<Outcome> {
  const backup = await findBackup(app.db, id, null);
  if (backup === null) return done;
  const { restoringVolumeId } = backup;
  const [volume, restored, hosts] = await Promise.all([
    findVolume(app.db, backup.volumeId, null),
    restoringVolumeId === null ? null : findVolume(app.db, restoringVolumeId, null),
    listVolumeHosts(app.db),
  ]);
  const nowMs = app.clock.now();
  const host = hostFor(backup, volume, hosts, nowMs);
  const loaded = { backup, volume, hosts, host };
  const isRestoring = restored !== null && ["creating", "restoring-backup"].includes(restored.status);
  const hasSource = volume !== null || backup.imported;
  return takeStep(app, loaded, planBackup(backup, { host, hasSource, isRestoring, nowMs }));
}

/** Whose agent to ask: the host of a guest that has the volume open, else who began, else any that reaches the pool. */
function hostFor(backup: Backup, volume: Volume | null, hosts: readonly VolumeHost[], nowMs: number): string | null {
  const isLive = (name: string | null): boolean => hosts.some((one) => one.name === name && isUp(one));
  const pool = backup.pool ?? volume?.pool ?? null;
  const other = pool === null ? (hosts.find(isUp)?.name ?? null) : hostOfPool(hosts, pool);
  if (backup.deleting) return removerOf(backup, { isMakerUp: isLive(backup.host), other, nowMs });
  if (backup.imported) return other;
  const opener = volume === null ? null : hostOf(volume);
  if (opener !== null) return isLive(opener) ? opener : null;
  return isLive(backup.host) ? backup.host : other;
}

async function takeStep(app: App, loaded: Loaded, step: BackupStep): Promise<Outcome> {
  const { backup } = loaded;
  switch (step.step) {
    case "rest":
      return done;
    case "put":
      return put(app, loaded);
    case "settle":
      await settle(app, backup);
      return done;
    case "fail":
      await fail(app, backup, step.message);
      return done;
    case "restored":
      await whileUnchanged(app, backup, (tx, held, at) =>
        setBackupStatus(tx.sql, held.id, "available", at, { restoringVolumeId: null }),
      );
      return done;
    case "delete":
      return remove(app, loaded);
    case "forget":
      await forget(app, backup);
      return done;
    case "failDeletion":
      await failDeletion(app, backup, step.message);
      return done;
    case "await":
      return pollAfter(POLL_MS, step.why);
  }
}

/** Runs `work` on the backup as it was when it was looked at; nothing happens when somebody has said something since. */
async function whileUnchanged(
  app: App,
  seen: Backup,
  work: (tx: Transaction, backup: Backup, at: Date) => Promise<void>,
): Promise<void> {
  await transact(app, origin, async (tx) => {
    const backup = await holdBackup(tx, seen.id, null);
    if (backup === null || backup.status !== seen.status || backup.deleting !== seen.deleting) return;
    await work(tx, backup, new Date(app.clock.now()));
  });
}

/** Told anew each time: who makes it already goes on, who was restarted begins again. */
async function put(app: App, { backup, volume, host }: Loaded): Promise<Outcome> {
  const key = await findBackupKey(app.db, backup.id);
  if (key === null || host === null) return done;
  const opened = await app.keys.unwrapForProject(app.db, key.projectId, key.wrappedKey, backupKeyName(backup.id));
  await setBackupHost(app.db, backup.id, host, volume?.pool ?? null);
  const client = app.agents.client(host);
  try {
    const report = await client.putBackup({
      id: backup.id,
      volumeId: backup.volumeId,
      volumeKey: backup.imported ? null : await openVolumeKey(app, backup.volumeId),
      snapshotId: backup.snapshotId,
      parentId: backup.parentId,
      key: opened.toString("base64"),
    });
    if (backup.imported && report.state !== "ready") {
      // what is not there is not to be made
      await client.deleteBackup(backup.id);
      await fail(app, backup, "The backup's bytes are not where backups are kept.");
      return done;
    }
    await storeBackupReports(app.db, [report], app.clock.now());
    if (report.state === "working") return pollAfter(POLL_MS, `host ${host} is making the backup`);
  } catch (error) {
    return afterFailedCall(app, backup, error);
  }
  return reconcileBackup(app, backup.id);
}

async function afterFailedCall(app: App, backup: Backup, error: unknown): Promise<Outcome> {
  if (!(error instanceof CloudError)) throw error;
  if (["conflict", "unavailable", "notFound"].includes(error.kind)) return pollAfter(1_000, messageOf(error));
  if (error.kind !== "invalid") throw error;
  await fail(app, backup, `The host refused the backup: ${error.message}`);
  return done;
}

const settle = (app: App, seen: Backup): Promise<void> =>
  whileUnchanged(app, seen, async (tx, backup, at) => {
    await setBackupStatus(tx.sql, backup.id, "available", at, { failReason: null });
    await releaseSource(tx, backup, at);
  });

const fail = (app: App, seen: Backup, text: string): Promise<void> =>
  whileUnchanged(app, seen, async (tx, backup, at) => {
    await setBackupStatus(tx.sql, backup.id, "error", at, { failReason: text });
    await releaseSource(tx, backup, at);
    await tell(tx, backup, { action: "createBackup", text, at });
  });

const failDeletion = (app: App, seen: Backup, text: string): Promise<void> =>
  whileUnchanged(app, seen, async (tx, backup, at) => {
    await setBackupStatus(tx.sql, backup.id, "error", at, { failReason: text, deleting: false });
    await tell(tx, backup, { action: "deleteBackup", text, at });
  });

async function tell(
  tx: Transaction,
  backup: Backup,
  { action, text, at }: { action: "createBackup" | "deleteBackup"; text: string; at: Date },
): Promise<void> {
  const { projectId, id: resourceId } = backup;
  await tellCustomer(tx, { projectId, resourceType: "VOLUME_BACKUP", resourceId, action, text }, at);
  tx.event({ action: "volume.backup.fail", outcome: "failure", reason: text, target: backupTarget(backup) });
}

async function remove(app: App, { backup, host }: Loaded): Promise<Outcome> {
  try {
    await app.agents.client(host ?? "").deleteBackup(backup.id);
  } catch (error) {
    if (error instanceof CloudError && ["conflict", "unavailable", "notFound"].includes(error.kind))
      return pollAfter(1_000, messageOf(error));
    throw error;
  }
  await forget(app, backup);
  return done;
}

/** Its bytes are gone: the row goes, and the chain's key with the last of its rows. */
const forget = (app: App, seen: Backup): Promise<void> =>
  whileUnchanged(app, seen, async (tx, backup) => {
    await deleteBackupRow(tx.sql, backup.id);
    await giveBackQuota(tx, backup.projectId, { backups: 1, backup_gigabytes: backup.sizeGib });
    tx.event({ action: "volume.backup.gone", target: backupTarget(backup) });
    if (backup.parentId !== null) tx.enqueue(`volume_backup/${backup.parentId}`);
  });
