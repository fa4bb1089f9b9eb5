/** What projects used, on Nova's wire (Compute API, "Usage reports"). Pure. */
import { isoMicroseconds } from "../common/wire.ts";
import type { ServerUsage, UsagePeriod } from "./usage.model.ts";

/** A project with its servers, in the order they came. */
export function toTenantUsages(
  usages: readonly ServerUsage[],
  period: UsagePeriod,
  options: { detailed: boolean; nowMs: number },
): object[] {
  const projects = new Map<string, ServerUsage[]>();
  for (const usage of usages) projects.set(usage.projectId, [...(projects.get(usage.projectId) ?? []), usage]);
  return [...projects].map(([projectId, servers]) => {
    const sum = (of: (usage: ServerUsage) => number): number =>
      servers.reduce((total, usage) => total + of(usage) * usage.hours, 0);
    return {
      tenant_id: projectId,
      ...(options.detailed ? { server_usages: servers.map((usage) => toServerUsage(usage, options.nowMs)) } : {}),
      total_local_gb_usage: sum(diskGibOf),
      total_vcpus_usage: sum(({ flavor }) => flavor.vcpus),
      total_memory_mb_usage: sum(({ flavor }) => flavor.ramMib),
      total_hours: sum(() => 1),
      start: isoMicroseconds(period.start),
      stop: isoMicroseconds(period.stop),
    };
  });
}

const diskGibOf = ({ flavor }: ServerUsage): number => flavor.diskGib + flavor.ephemeralGib;

const toServerUsage = (usage: ServerUsage, nowMs: number): object => ({
  hours: usage.hours,
  flavor: usage.flavor.name,
  instance_id: usage.serverId,
  name: usage.name,
  tenant_id: usage.projectId,
  memory_mb: usage.flavor.ramMib,
  local_gb: diskGibOf(usage),
  vcpus: usage.flavor.vcpus,
  started_at: isoMicroseconds(usage.launchedAt),
  ended_at: usage.endedAt === null ? null : isoMicroseconds(usage.endedAt),
  state: usage.state,
  uptime: Math.floor(((usage.endedAt?.getTime() ?? nowMs) - usage.launchedAt.getTime()) / 1000),
});
