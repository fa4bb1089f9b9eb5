/** Quotas and limits on the wire. Pure. */
import { QUOTA_NAMES, type QuotaOverrides, TYPE_QUOTAS, type TypeRef, limitOf } from "./quota.model.ts";

export type QuotaCell = { shown: string; limit: number; used: number };

/** Every quota there is, those of types under their types' names. */
export function quotaCells(
  types: readonly TypeRef[],
  usage: { quota: QuotaOverrides; defaults: QuotaOverrides; used: { [name: string]: number } },
): QuotaCell[] {
  const cell = (name: string, shown: string): QuotaCell => ({
    shown,
    limit: limitOf(usage.quota, usage.defaults, name),
    used: usage.used[name] ?? 0,
  });
  return [
    ...QUOTA_NAMES.map((name) => cell(name, name)),
    ...types.flatMap((type) => TYPE_QUOTAS.map((kind) => cell(`${kind}_${type.id}`, `${kind}_${type.name}`))),
  ];
}

export const toLimits = (cells: readonly QuotaCell[]): { [name: string]: number } =>
  Object.fromEntries(cells.map(({ shown, limit }) => [shown, limit]));

export const toUsage = (cells: readonly QuotaCell[]): object =>
  Object.fromEntries(
    cells.map(({ shown, limit, used }) => [shown, { limit, in_use: used, reserved: 0, allocated: 0 }]),
  );

/** `GET /limits`. */
export function toLimitsView(cells: readonly QuotaCell[]): object {
  const of = (name: string): QuotaCell =>
    cells.find(({ shown }) => shown === name) ?? { shown: name, limit: -1, used: 0 };
  return {
    rate: [],
    absolute: {
      maxTotalVolumes: of("volumes").limit,
      maxTotalSnapshots: of("snapshots").limit,
      maxTotalVolumeGigabytes: of("gigabytes").limit,
      maxTotalBackups: of("backups").limit,
      maxTotalBackupGigabytes: of("backup_gigabytes").limit,
      totalVolumesUsed: of("volumes").used,
      totalSnapshotsUsed: of("snapshots").used,
      totalGigabytesUsed: of("gigabytes").used,
      totalBackupsUsed: of("backups").used,
      totalBackupGigabytesUsed: of("backup_gigabytes").used,
    },
  };
}
