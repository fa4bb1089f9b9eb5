/** Every statement on hosts that keep volumes, and those that take in what their agents report. */
import type { HostFacts, VolumeReport } from "@andromede/agent-api/types";
import type { Queryable } from "@andromede/platform/db/database";

import type postgres from "postgres";

import type { VolumeHost } from "./host.model.ts";

const columns = (sql: Queryable) => sql`
  name, service_id, availability_zone, disabled, disabled_reason, frozen, created_at, updated_at, observed_pools, observed_at, observed_lost_at`;

export async function listVolumeHosts(sql: Queryable): Promise<VolumeHost[]> {
  return sql<VolumeHost[]>`select ${columns(sql)} from volume_host order by name`;
}

/** Zones, each with whether a host of it can be used. */
export async function listZones(sql: Queryable): Promise<{ zone: string; available: boolean }[]> {
  return sql<{ zone: string; available: boolean }[]>`
    select availability_zone as zone, bool_or(not disabled and observed_lost_at is null) as available
    from volume_host group by availability_zone order by availability_zone`;
}

/** GiB promised to volumes, by pool. */
export async function promisedByPool(sql: Queryable): Promise<{ [pool: string]: number }> {
  const rows = await sql<{ pool: string; gib: number }[]>`
    select pool, sum(size_gib)::bigint as gib from volume where pool is not null group by pool`;
  return Object.fromEntries(rows.map(({ pool, gib }) => [pool, gib]));
}

/** So often a host that says the same again is written down. */
const FACTS_FRESH_MS = 5_000;

/** Takes in a host's pools. True when it was unknown or had been silent: volumes may wait for it. */
export async function storePools(
  sql: postgres.ISql,
  name: string,
  pools: NonNullable<HostFacts["pools"]>,
  options: { serviceId: string; nowMs: number; full: boolean },
): Promise<boolean> {
  const now = new Date(options.nowMs);
  const fresh = new Date(options.nowMs - (options.full ? 0 : FACTS_FRESH_MS));
  const rows = await sql<{ returned: boolean }[]>`
    with before as (
      select observed_lost_at is not null or observed_at is null as silent, observed_lost_at is null and observed_at > ${fresh} as known
      from volume_host where name = ${name})
    insert into volume_host (name, service_id, observed_pools, observed_at)
    select ${name}, ${options.serviceId}, ${sql.json(pools)}, ${now} where not coalesce((select known from before), false)
    on conflict (name) do update set observed_pools = excluded.observed_pools, observed_at = excluded.observed_at, observed_lost_at = null
    returning coalesce((select silent from before), true) as returned`;
  return rows[0]?.returned ?? false;
}

/** Nobody answers there. */
export async function storeVolumeHostLost(sql: Queryable, name: string, nowMs: number): Promise<void> {
  await sql`update volume_host set observed_lost_at = ${new Date(nowMs)} where name = ${name} and observed_lost_at is null`;
}

const toRows = (reports: readonly VolumeReport[]) =>
  reports.map((report) => ({
    id: report.id,
    generation: report.generation,
    state: report.state,
    size_gib: report.sizeGib,
    snapshots: report.snapshots,
    revert_nonce: report.revertNonce ?? null,
    fault: report.fault ?? null,
    gone: report.gone === true,
  }));

/**
 * Takes in what an agent saw of volumes: one statement, observed columns only, older generations ignored. Several agents
 * may speak of one volume, one after the other; the newest generation is right. Returns what changed.
 */
export async function storeVolumeReports(
  sql: postgres.ISql,
  reports: readonly VolumeReport[],
  nowMs: number,
): Promise<string[]> {
  if (reports.length === 0) return [];
  const rows = await sql<{ id: string }[]>`
    update volume v set observed_generation = r.generation, observed_state = r.state, observed_size_gib = r.size_gib,
      observed_snapshots = r.snapshots, observed_revert_nonce = coalesce(r.revert_nonce, v.observed_revert_nonce), observed_fault = r.fault,
      observed_gone = r.gone, observed_at = ${new Date(nowMs)}
    from jsonb_to_recordset(${sql.json(toRows(reports))})
      as r (id text, generation bigint, state text, size_gib integer, snapshots text[], revert_nonce text, fault text, gone boolean)
    where v.id = r.id and r.generation >= coalesce(v.observed_generation, 0) and r.generation <= v.generation
      and (v.observed_generation, v.observed_state, v.observed_size_gib, v.observed_snapshots, v.observed_revert_nonce, v.observed_fault, v.observed_gone)
        is distinct from (r.generation, r.state, r.size_gib, r.snapshots, coalesce(r.revert_nonce, v.observed_revert_nonce), r.fault, r.gone)
    returning v.id`;
  return rows.map(({ id }) => id);
}

/** Lets volumes be made through a host, or not; freezes or thaws it. */
export async function setVolumeHost(
  sql: Queryable,
  name: string,
  change: { disabled?: boolean; reason?: string | null; frozen?: boolean },
  at: Date,
): Promise<boolean> {
  const rows = await sql`
    update volume_host set disabled = coalesce(${change.disabled ?? null}::boolean, disabled), frozen = coalesce(${change.frozen ?? null}::boolean, frozen),
      disabled_reason = ${change.disabled === undefined ? sql`disabled_reason` : (change.reason ?? null)}, updated_at = ${at}
    where name = ${name} returning 1`;
  return rows.length > 0;
}

/** Volumes and snapshots of a pool, by project. */
export async function usageOfPools(
  sql: Queryable,
  pools: readonly string[],
): Promise<{ projectId: string; volumes: number; gib: number; snapshots: number; snapshotGib: number }[]> {
  return sql<{ projectId: string; volumes: number; gib: number; snapshots: number; snapshotGib: number }[]>`
    select v.project_id, count(*)::int as volumes, sum(v.size_gib)::bigint as gib, coalesce(sum(s.n), 0)::int as snapshots,
      coalesce(sum(s.gib), 0)::bigint as snapshot_gib
    from volume v left join lateral (select count(*) as n, sum(size_gib) as gib from snapshot where volume_id = v.id) s on true
    where v.pool = any(${[...pools]}::text[]) group by v.project_id order by v.project_id`;
}

export async function findVolumeHost(sql: Queryable, name: string): Promise<VolumeHost | null> {
  const [row] = await sql<VolumeHost[]>`select ${columns(sql)} from volume_host where name = ${name}`;
  return row ?? null;
}
