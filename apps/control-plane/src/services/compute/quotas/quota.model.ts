/** Compute's quotas: names as Nova has them, defaults as Nova's. Pure. */
import { overQuota } from "@andromede/base/errors";

export const QUOTA_DEFAULTS = {
  instances: 10,
  cores: 20,
  ram: 51_200,
  metadata_items: 128,
  key_pairs: 100,
  server_groups: 10,
  server_group_members: 10,
  injected_files: 5,
  injected_file_content_bytes: 10_240,
  injected_file_path_bytes: 255,
} as const;

export type QuotaName = keyof typeof QUOTA_DEFAULTS;
export type QuotaOverrides = { [name in QuotaName]?: number };
export type Quota = { [name in QuotaName]: number };

export const QUOTA_NAMES = Object.keys(QUOTA_DEFAULTS) as QuotaName[];

/** Limits in force. */
export const quotaOf = (overrides: QuotaOverrides): Quota => ({ ...QUOTA_DEFAULTS, ...overrides });

type Used = { usedServers: number; usedCores: number; usedRamMib: number };
type Wanted = { servers: number; cores: number; ramMib: number };

/** How many of `wanted` servers fit; -1 is no limit. Each takes the same. */
export function serversThatFit(quota: Quota, used: Used, each: Omit<Wanted, "servers">, wanted: number): number {
  const room = (limit: number, inUse: number, one: number): number =>
    limit < 0 || one === 0 ? wanted : Math.floor(Math.max(0, limit - inUse) / one);
  return Math.min(
    wanted,
    room(quota.instances, used.usedServers, 1),
    room(quota.cores, used.usedCores, each.cores),
    room(quota.ram, used.usedRamMib, each.ramMib),
  );
}

/** Throws Nova's refusal, which names every quota that is too small, what was asked, used and allowed. */
export function refuseOverQuota(quota: Quota, used: Used, each: Omit<Wanted, "servers">, count: number): never {
  const rows = [
    { name: "instances", asked: count, used: used.usedServers, limit: quota.instances },
    { name: "cores", asked: count * each.cores, used: used.usedCores, limit: quota.cores },
    { name: "ram", asked: count * each.ramMib, used: used.usedRamMib, limit: quota.ram },
  ].filter((row) => row.limit >= 0 && row.used + row.asked > row.limit);
  const list = (of: (row: (typeof rows)[number]) => string | number): string => rows.map(of).join(", ");
  throw overQuota(
    `Quota exceeded for ${list((row) => row.name)}: Requested ${list((row) => row.asked)}, but already used ${list((row) => row.used)} of ${list((row) => row.limit)} ${list((row) => row.name)}`,
  );
}
