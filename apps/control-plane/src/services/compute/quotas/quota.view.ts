/** Quotas and limits on the wire, by microversion. Pure. */
import type { NetworkQuotaUsage } from "../../network/public.ts";
import type { ProjectUse } from "./read-quotas.ts";
import { QUOTA_NAMES, type Quota, type QuotaName } from "./quota.model.ts";

const INJECTED: readonly QuotaName[] = ["injected_files", "injected_file_content_bytes", "injected_file_path_bytes"];
const namesAt = (version: number): QuotaName[] =>
  QUOTA_NAMES.filter((name) => version < 57 || !INJECTED.includes(name));

/** Neutron's quotas under Nova's names: shown until 2.36. Fixed addresses have no quota of their own. */
const NETWORK = {
  floating_ips: "floatingip",
  security_groups: "security_group",
  security_group_rules: "security_group_rule",
} as const;

type Cell = { limit: number; used: number };

function cells(
  quota: Quota,
  use: ProjectUse | null,
  network: NetworkQuotaUsage | null,
  version: number,
): [string, Cell][] {
  const used: { [name in QuotaName]?: number } =
    use === null
      ? {}
      : {
          instances: use.servers,
          cores: use.cores,
          ram: use.ramMib,
          // Nova counts per user where a limit is a user's, and then shows nothing of it here
          server_groups: use.serverGroups,
        };
  const compute = namesAt(version).map((name): [string, Cell] => [name, { limit: quota[name], used: used[name] ?? 0 }]);
  if (version >= 36) return compute;
  return [
    ...compute,
    ["fixed_ips", { limit: -1, used: 0 }],
    ...Object.entries(NETWORK).map(([name, theirs]): [string, Cell] => [
      name,
      network?.[theirs] ?? { limit: -1, used: 0 },
    ]),
  ];
}

/** `id`: null in the answer to PUT, which has none. */
export const toQuotaView = (
  id: string | null,
  quota: Quota,
  network: NetworkQuotaUsage | null,
  version: number,
): object => ({
  ...(id === null ? {} : { id }),
  ...Object.fromEntries(cells(quota, null, network, version).map(([name, cell]) => [name, cell.limit])),
});

const GROUPS: readonly QuotaName[] = ["server_groups", "server_group_members"];
/** What Nova shows of the network's quotas that it has not known for long: no limit. */
const NO_LIMIT = { fixed_ips: -1, floating_ips: -1, security_groups: -1, security_group_rules: -1 };

/** `name`: null in the answer to PUT. */
export const toQuotaClassView = (name: string | null, quota: Quota, version: number): object => ({
  ...(name === null ? {} : { id: name }),
  ...Object.fromEntries(
    namesAt(version)
      .filter((one) => version >= 50 || !GROUPS.includes(one))
      .map((one) => [one, quota[one]]),
  ),
  ...(version < 50 ? NO_LIMIT : {}),
});

export const toQuotaDetail = (
  id: string,
  use: ProjectUse,
  network: NetworkQuotaUsage | null,
  version: number,
): object => ({
  id,
  ...Object.fromEntries(
    cells(use.quota, use, network, version).map(([name, cell]) => [
      name,
      { limit: cell.limit, in_use: cell.used, reserved: 0 },
    ]),
  ),
});

export const toLimitsView = (
  { quota, ...use }: ProjectUse,
  network: NetworkQuotaUsage | null,
  version: number,
): object => ({
  rate: [],
  absolute: {
    maxTotalInstances: quota.instances,
    maxTotalCores: quota.cores,
    maxTotalRAMSize: quota.ram,
    maxServerMeta: quota.metadata_items,
    maxTotalKeypairs: quota.key_pairs,
    maxServerGroups: quota.server_groups,
    maxServerGroupMembers: quota.server_group_members,
    totalInstancesUsed: use.servers,
    totalCoresUsed: use.cores,
    totalRAMUsed: use.ramMib,
    totalServerGroupsUsed: use.serverGroups,
    ...(version < 39 ? { maxImageMeta: quota.metadata_items } : {}),
    ...(version < 57
      ? { maxPersonality: quota.injected_files, maxPersonalitySize: quota.injected_file_content_bytes }
      : {}),
    ...(version < 36
      ? {
          maxTotalFloatingIps: network?.floatingip.limit ?? -1,
          maxSecurityGroups: network?.security_group.limit ?? -1,
          maxSecurityGroupRules: network?.security_group_rule.limit ?? -1,
          totalFloatingIpsUsed: network?.floatingip.used ?? 0,
          totalSecurityGroupsUsed: network?.security_group.used ?? 0,
        }
      : {}),
  },
});
