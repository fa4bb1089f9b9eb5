/** Quotas of volumes: names and defaults as Cinder has them. Pure. */
import { type CloudError, tooLarge } from "@andromede/base/errors";

export const QUOTA_DEFAULTS = {
  volumes: 10,
  per_volume_gigabytes: -1,
  snapshots: 10,
  gigabytes: 1000,
  backups: 10,
  backup_gigabytes: 1000,
  groups: 10,
} as const;

export type QuotaName = keyof typeof QUOTA_DEFAULTS;
export const QUOTA_NAMES = Object.keys(QUOTA_DEFAULTS) as QuotaName[];
/** By name; of a type: `volumes_<type id>` and so on. */
export type QuotaOverrides = { [name: string]: number };

/** What each type has a quota of, none by default. */
export const TYPE_QUOTAS = ["volumes", "gigabytes", "snapshots"] as const;
export type TypeRef = { id: string; name: string };

/** The limit in force; -1: none. */
export const limitOf = (overrides: QuotaOverrides, defaults: QuotaOverrides, name: string): number =>
  overrides[name] ?? defaults[name] ?? (QUOTA_DEFAULTS as QuotaOverrides)[name] ?? -1;

/** What something takes from the quota; less than nothing gives back. */
export type Taking = {
  volumes?: number;
  gigabytes?: number;
  snapshots?: number;
  backups?: number;
  backup_gigabytes?: number;
  groups?: number;
  /** Whose type it is: counted for the type too. */
  typeId?: string;
};

/** Every name that a taking counts under, with how much. */
export function amountsOf({ typeId, ...amounts }: Taking): { [name: string]: number } {
  const found: { [name: string]: number } = {};
  for (const [name, amount] of Object.entries(amounts)) {
    if (amount === 0) continue;
    found[name] = amount;
    if (typeId !== undefined && (TYPE_QUOTAS as readonly string[]).includes(name)) found[`${name}_${typeId}`] = amount;
  }
  return found;
}

export type OverQuota = { name: string; asked: number; used: number; limit: number };

/** The first limit that the taking would exceed. */
export function exceeded(
  amounts: { [name: string]: number },
  used: { [name: string]: number },
  limits: (name: string) => number,
): OverQuota | null {
  for (const [name, asked] of Object.entries(amounts)) {
    const [inUse, limit] = [used[name] ?? 0, limits(name)];
    if (asked > 0 && limit >= 0 && inUse + asked > limit) return { name, asked, used: inUse, limit };
  }
  return null;
}

/** Cinder's refusals, all 413, by what ran out. `shown`: the quota's name as the customer knows it. */
export function overQuotaError({ name, asked, used, limit }: OverQuota, shown: string): CloudError {
  const kind = name.replace(/_[0-9a-f-]{36}$/, "");
  switch (kind) {
    case "gigabytes":
      return tooLarge(
        `VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed ${shown} quota. Requested ${asked}G, quota is ${limit}G and ${used}G has been consumed.`,
        { type: "VolumeSizeExceedsAvailableQuota" },
      );
    case "backup_gigabytes":
      return tooLarge(
        `VolumeBackupSizeExceedsAvailableQuota: Requested backup exceeds allowed Backup gigabytes quota. Requested ${asked}G, quota is ${limit}G and ${used}G has been consumed.`,
      );
    case "snapshots":
      return tooLarge(`SnapshotLimitExceeded: Maximum number of snapshots allowed (${limit}) exceeded`);
    case "groups":
      return tooLarge(`GroupLimitExceeded: Maximum number of groups allowed (${limit}) exceeded`);
    case "backups":
      return tooLarge(`BackupLimitExceeded: Maximum number of backups allowed (${limit}) exceeded`);
    default:
      return tooLarge(
        `VolumeLimitExceeded: Maximum number of volumes allowed (${limit}) exceeded for quota '${shown}'.`,
      );
  }
}
