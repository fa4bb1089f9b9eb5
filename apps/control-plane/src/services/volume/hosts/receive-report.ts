/** What agents see of volumes, backups and exports becomes observed columns; keys of what changed are enqueued. */
import type { Report, VolumeReport } from "@andromede/agent-api/types";
import { newUuid } from "@andromede/base/ids";

import type { App } from "../../../app.ts";
import { type ResourceKey, insertKeys } from "../../../reconcile/queue.ts";
import { storeBackupReports } from "../backups/backup.queries.ts";
import { storeUploadReports } from "../uploads/upload.queries.ts";
import { listUnsettledVolumes } from "../volumes/volume.queries.ts";
import { storePools, storeVolumeHostLost, storeVolumeReports } from "./host.queries.ts";

/** Takes in one report of a host, in the order they came. */
export async function receiveVolumeReport(app: App, host: string, report: Report): Promise<void> {
  const nowMs = app.clock.now();
  const pools = report.host.pools ?? [];
  const [volumes, uploads, backups, returned] = await Promise.all([
    storeVolumeReports(app.db, report.volumes ?? [], nowMs),
    storeUploadReports(app.db, report.exports ?? []),
    storeBackupReports(app.db, report.backups ?? [], nowMs),
    pools.length === 0 ? false : storePools(app.db, host, pools, { serviceId: newUuid(), nowMs, full: report.full }),
  ]);
  const keys = new Set<ResourceKey>([
    ...volumes.map((id): ResourceKey => `volume/${id}`),
    ...backups.map((id): ResourceKey => `volume_backup/${id}`),
    ...uploads.map((id): ResourceKey => `volume_upload/${id}`),
  ]);
  if (returned) for (const id of await listUnsettledVolumes(app.db)) keys.add(`volume/${id}`);
  if (keys.size === 0) return;
  await insertKeys(app.db, [...keys]);
  app.reconcile.wake();
}

/** What a call to an agent answered is a report like any other. */
export async function receiveVolume(app: App, report: VolumeReport): Promise<void> {
  await storeVolumeReports(app.db, [report], app.clock.now());
}

/** The stream of a host's agent broke. */
export const markVolumeHostLost = (app: App, host: string): Promise<void> =>
  storeVolumeHostLost(app.db, host, app.clock.now());
