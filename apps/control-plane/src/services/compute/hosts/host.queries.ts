/** Every statement on hosts, and the one that takes in what an agent reports. */
import type { GuestReport, HostFacts } from "@andromede/agent-api/types";
import type { Queryable } from "@andromede/platform/db/database";

import type postgres from "postgres";

import { ALLOCATION_RATIOS, type Demand, type HostCapacity } from "../placement/choose-host.ts";
import type { Host } from "./host.model.ts";

const capacity = (sql: Queryable) => sql`
  name, availability_zone, observed_hostname as hypervisor_hostname, disabled, observed_lost_at is null and observed_at is not null and not forced_down as up,
  case when not forced_down then observed_lost_at end as lost_at,
  observed_vcpus as vcpus, observed_memory_mib as memory_mib, observed_disk_gib as disk_gib,
  claimed_vcpus, claimed_memory_mib, claimed_disk_gib`;

/** All hosts, as the scheduler looks at them. */
export const listCapacities = (sql: Queryable): Promise<HostCapacity[]> =>
  sql<HostCapacity[]>`select ${capacity(sql)} from compute_host`;

/**
 * Promises room on a host, if there still is any. One statement: two that race for the last room wait for each other at
 * the host's row, and the second finds none. Null: lost, choose again. Returns the host's zone.
 */
export async function claimRoom(
  sql: Queryable,
  hostName: string,
  demand: Pick<Demand, "vcpus" | "memoryMib" | "diskGib">,
): Promise<string | null> {
  const [row] = await sql<{ availabilityZone: string }[]>`
    update compute_host set claimed_servers = claimed_servers + 1, claimed_vcpus = claimed_vcpus + ${demand.vcpus},
      claimed_memory_mib = claimed_memory_mib + ${demand.memoryMib}, claimed_disk_gib = claimed_disk_gib + ${demand.diskGib}
    where name = ${hostName} and not disabled and not forced_down and observed_lost_at is null
      and claimed_vcpus + ${demand.vcpus} <= observed_vcpus * ${ALLOCATION_RATIOS.vcpus}
      and claimed_memory_mib + ${demand.memoryMib} <= observed_memory_mib * ${ALLOCATION_RATIOS.memoryMib}
      and claimed_disk_gib + ${demand.diskGib} <= observed_disk_gib * ${ALLOCATION_RATIOS.diskGib}
    returning availability_zone`;
  return row?.availabilityZone ?? null;
}

/** Gives a server's room back. */
export async function releaseHost(
  sql: Queryable,
  hostName: string,
  demand: Pick<Demand, "vcpus" | "memoryMib" | "diskGib">,
): Promise<void> {
  await sql`update compute_host set claimed_servers = claimed_servers - 1, claimed_vcpus = claimed_vcpus - ${demand.vcpus},
    claimed_memory_mib = claimed_memory_mib - ${demand.memoryMib}, claimed_disk_gib = claimed_disk_gib - ${demand.diskGib}
    where name = ${hostName}`;
}

/** Promises a server that is on a host more room there, if there still is any. False: there is not. */
export async function claimMore(
  sql: Queryable,
  hostName: string,
  more: Pick<Demand, "vcpus" | "memoryMib" | "diskGib">,
): Promise<boolean> {
  const rows = await sql`
    update compute_host set claimed_vcpus = claimed_vcpus + ${more.vcpus}, claimed_memory_mib = claimed_memory_mib + ${more.memoryMib},
      claimed_disk_gib = claimed_disk_gib + ${more.diskGib}
    where name = ${hostName}
      and (${more.vcpus} = 0 or claimed_vcpus + ${more.vcpus} <= observed_vcpus * ${ALLOCATION_RATIOS.vcpus})
      and (${more.memoryMib} = 0 or claimed_memory_mib + ${more.memoryMib} <= observed_memory_mib * ${ALLOCATION_RATIOS.memoryMib})
      and (${more.diskGib} = 0 or claimed_disk_gib + ${more.diskGib} <= observed_disk_gib * ${ALLOCATION_RATIOS.diskGib})
    returning 1`;
  return rows.length > 0;
}

/** Gives some of a server's room back; the server stays. */
export async function releaseSome(
  sql: Queryable,
  hostName: string,
  some: Pick<Demand, "vcpus" | "memoryMib" | "diskGib">,
): Promise<void> {
  await sql`update compute_host set claimed_vcpus = claimed_vcpus - ${some.vcpus}, claimed_memory_mib = claimed_memory_mib - ${some.memoryMib},
    claimed_disk_gib = claimed_disk_gib - ${some.diskGib} where name = ${hostName}`;
}

/** Hosts of some servers, for scheduler hints. */
export async function hostsOfServers(sql: Queryable, projectId: string, serverIds: string[]): Promise<string[]> {
  const rows = await sql<{ host: string }[]>`
    select distinct host from server where id = any(${serverIds}) and project_id = ${projectId} and host is not null`;
  return rows.map((row) => row.host);
}

/** The guests of one report as rows, for one statement over all of them. */
const toRows = (guests: GuestReport[]) =>
  guests.map((guest) => ({
    id: guest.id,
    generation: guest.generation,
    state: guest.state,
    converged: guest.converged,
    spontaneous: guest.spontaneous === true,
    reboot_nonce: guest.rebootNonce ?? null,
    fault: guest.fault ?? null,
    gone: guest.gone === true,
    disks: guest.disks,
    needs_keys: guest.needsKeys === true,
  }));

/**
 * Takes in what a host's agent saw of its guests: ONE statement, observed columns only, older generations ignored.
 * `from`: the stream of reports is in order, so its word about a generation replaces an earlier one. The answer to a
 * call may come in after the stream has moved on: it counts only when it is the first word about its generation.
 * Returns the servers that this changed anything of.
 */
export async function storeGuestReports(
  sql: Queryable,
  host: string,
  guests: GuestReport[],
  options: { nowMs: number; from: "stream" | "call" },
): Promise<string[]> {
  if (guests.length === 0) return [];
  const now = new Date(options.nowMs);
  const rows = await sql<{ id: string }[]>`
    update server s set observed_generation = r.generation, observed_state = r.state, observed_converged = r.converged,
      observed_spontaneous = r.spontaneous, observed_reboot_nonce = coalesce(r.reboot_nonce, s.observed_reboot_nonce),
      observed_fault = r.fault, observed_gone = r.gone, observed_disks = coalesce(r.disks, '{}'), observed_needs_keys = r.needs_keys, observed_at = ${now},
      observed_launched_at = case when s.observed_launched_at is null and r.converged and r.state = 'running' then ${now}
        else s.observed_launched_at end
    from jsonb_to_recordset(${(sql as postgres.Sql).json(toRows(guests))})
      as r (id text, generation bigint, state text, converged boolean, spontaneous boolean, reboot_nonce text, fault text, gone boolean,
        disks text[], needs_keys boolean)
    where s.id = r.id and s.host = ${host} and r.generation ${options.from === "stream" ? sql`>=` : sql`>`} coalesce(s.observed_generation, 0)
      and (s.observed_generation, s.observed_state, s.observed_converged, s.observed_spontaneous, s.observed_reboot_nonce, s.observed_fault, s.observed_gone,
        s.observed_disks, s.observed_needs_keys)
        is distinct from (r.generation, r.state, r.converged, r.spontaneous, coalesce(r.reboot_nonce, s.observed_reboot_nonce), r.fault, r.gone,
        coalesce(r.disks, '{}'), r.needs_keys)
    returning s.id`;
  return rows.map((row) => row.id);
}

/** So often a host that says the same again is written down. */
const FACTS_FRESH_MS = 5_000;

/**
 * Takes in a host's facts. Returns true when the host was unknown or had been silent: servers may wait for it. Between
 * full reports the row is touched only for news: reports come with every step of every guest, and placing a server locks
 * the same row. A full report is always written down: it outranks a call that failed before it (`storeHostLost`).
 */
export async function storeHostFacts(
  sql: Queryable,
  name: string,
  facts: HostFacts,
  ids: { hypervisor: string; service: string },
  report: { nowMs: number; full: boolean },
): Promise<boolean> {
  const { nowMs } = report;
  const now = new Date(nowMs);
  const rows = await sql<{ returned: boolean }[]>`
    with said (vcpus, memory_mib, disk_gib, hostname, backend, accelerator, accelerator_reason, chassis) as (
        values (${facts.vcpus}::integer, ${facts.memoryMib}::integer, ${facts.diskGib}::integer, ${facts.hostname}, ${facts.backend}, ${facts.accelerator},
          ${facts.acceleratorReason ?? null}::text, ${facts.chassis ?? null}::text)),
      before as (
        select observed_lost_at is not null or observed_at is null as silent,
          observed_lost_at is null and observed_at > ${new Date(nowMs - (report.full ? 0 : FACTS_FRESH_MS))}
            and (observed_vcpus, observed_memory_mib, observed_disk_gib, observed_hostname, observed_backend, observed_accelerator,
              observed_accelerator_reason, observed_chassis) is not distinct from (said.*) as known
        from compute_host, said where name = ${name})
    insert into compute_host (name, hypervisor_id, service_id, observed_vcpus, observed_memory_mib, observed_disk_gib, observed_hostname,
      observed_backend, observed_accelerator, observed_accelerator_reason, observed_chassis, observed_at)
    select ${name}, ${ids.hypervisor}, ${ids.service}, said.*, ${now} from said where not coalesce((select known from before), false)
    on conflict (name) do update set observed_vcpus = excluded.observed_vcpus, observed_memory_mib = excluded.observed_memory_mib,
      observed_disk_gib = excluded.observed_disk_gib, observed_hostname = excluded.observed_hostname,
      observed_backend = excluded.observed_backend, observed_accelerator = excluded.observed_accelerator,
      observed_accelerator_reason = excluded.observed_accelerator_reason, observed_chassis = excluded.observed_chassis,
      observed_at = excluded.observed_at, observed_lost_at = null
    returning coalesce((select silent from before), true) as returned`;
  return rows[0]?.returned ?? false;
}

/** Nobody answers there: since now, unless it was so already, or a report has come in since `unlessSeenAfterMs`. */
export async function storeHostLost(
  sql: Queryable,
  name: string,
  nowMs: number,
  unlessSeenAfterMs: number = nowMs + 1,
): Promise<void> {
  await sql`
    update compute_host set observed_lost_at = ${new Date(nowMs)}
    where name = ${name} and observed_lost_at is null and observed_at < ${new Date(unlessSeenAfterMs)}`;
}

/** Which of a host's guests belong to no server, or to one that is elsewhere by now (evacuated, shelved without the host). */
export async function listOrphans(sql: Queryable, host: string, guestIds: string[]): Promise<string[]> {
  if (guestIds.length === 0) return [];
  const rows = await sql<{ id: string }[]>`
    select g.id from unnest(${guestIds}::text[]) as g (id)
    where not exists (select 1 from server s where s.id = g.id and (s.host = ${host} or s.other_host = ${host}))`;
  return rows.map((row) => row.id);
}

/** Servers that a host's agent had acknowledged a while ago and that its full report did not list. */
export async function listMissing(
  sql: Queryable,
  host: string,
  reported: string[],
  seenBefore: Date,
): Promise<{ id: string; launched: boolean }[]> {
  return sql<{ id: string; launched: boolean }[]>`
    select id, observed_launched_at is not null as launched from server
    where host = ${host} and observed_generation is not null and observed_at < ${seenBefore} and not observed_gone
      and not (observed_state = 'failed' and observed_fault is not null) and id <> all (${reported}::text[])`;
}

/** The host has no such guest: one being deleted is gone, one never started is to be sent again, any other has lost its disk. */
export async function storeMissing(sql: Queryable, host: string, id: string, message: string): Promise<void> {
  await sql`
    update server set observed_gone = deleting or coalesce(task_step = 'offload', false),
      observed_generation = case when observed_launched_at is null and not deleting then null else generation end,
      observed_state = case when observed_launched_at is null then null else 'failed' end, observed_converged = false,
      observed_spontaneous = false, observed_fault = case when observed_launched_at is null then null else ${message} end
    where id = ${id} and host = ${host}`;
}

/** Servers on a host that wait for something. */
export async function listUnsettledOn(sql: Queryable, host: string): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select id from server where host = ${host} and (deleting or task_state is not null or observed_generation is distinct from generation)`;
  return rows.map((row) => row.id);
}

const hostColumns = (sql: Queryable) => sql`
  name, number, hypervisor_id, service_id, availability_zone, disabled, disabled_reason, disabled_at, forced_down, claimed_servers, claimed_vcpus,
  claimed_memory_mib, claimed_disk_gib, created_at, observed_vcpus, observed_memory_mib, observed_disk_gib, observed_hostname, observed_backend,
  observed_accelerator, observed_accelerator_reason, observed_chassis, observed_at, observed_lost_at`;

/** Hosts for operators, by number; all after `marker` (a hypervisor id). */
export async function listHosts(
  sql: Queryable,
  filter: { pattern?: string; afterNumber?: number; limit?: number } = {},
): Promise<Host[]> {
  return sql<Host[]>`
    select ${hostColumns(sql)} from compute_host
    where number > ${filter.afterNumber ?? 0}
      ${filter.pattern === undefined ? sql`` : sql`and (name ilike ${filter.pattern} or observed_hostname ilike ${filter.pattern})`}
    order by number limit ${filter.limit ?? 100_000}`;
}

/** A host by its hypervisor id, service id, number or name. */
export async function findHost(
  sql: Queryable,
  by: { hypervisorId: string } | { serviceId: string } | { number: number } | { name: string },
): Promise<Host | null> {
  const [row] = await sql<Host[]>`
    select ${hostColumns(sql)} from compute_host where ${
      "hypervisorId" in by
        ? sql`hypervisor_id = ${by.hypervisorId}`
        : "serviceId" in by
          ? sql`service_id = ${by.serviceId}`
          : "number" in by
            ? sql`number = ${by.number}`
            : sql`name = ${by.name}`
    }`;
  return row ?? null;
}

/** Lets the scheduler use a host, or not. */
export async function setHostDisabled(
  sql: Queryable,
  name: string,
  disabled: boolean,
  reason: string | null,
  at: Date,
): Promise<Host | null> {
  const [row] = await sql<Host[]>`
    update compute_host set disabled = ${disabled}, disabled_reason = ${reason}, disabled_at = ${disabled ? at : null}
    where name = ${name} returning ${hostColumns(sql)}`;
  return row ?? null;
}

/** An operator's word that a host is down, or that it is as its agent says. */
export async function setHostForcedDown(sql: Queryable, name: string, forcedDown: boolean): Promise<Host | null> {
  const [row] = await sql<Host[]>`
    update compute_host set forced_down = ${forcedDown} where name = ${name} returning ${hostColumns(sql)}`;
  return row ?? null;
}

/** False: it has servers. An agent that goes on reporting is a host again with its next report. */
export async function deleteHostRow(sql: Queryable, name: string): Promise<boolean> {
  const rows = await sql`
    delete from compute_host where name = ${name} and claimed_servers = 0
      and not exists (select 1 from server where host = ${name}) returning name`;
  return rows.length > 0;
}

/** What each project's servers take of a host. */
export async function listHostUse(
  sql: Queryable,
  name: string,
): Promise<{ projectId: string; vcpus: number; memoryMib: number; diskGib: number }[]> {
  return sql<{ projectId: string; vcpus: number; memoryMib: number; diskGib: number }[]>`
    select project_id, sum((flavor->>'vcpus')::bigint)::int as vcpus, sum((flavor->>'ramMib')::bigint)::bigint as memory_mib,
      sum(case when image is null then 0 else (flavor->>'diskGib')::bigint end + (flavor->>'ephemeralGib')::bigint)::bigint as disk_gib
    from server where host = ${name} group by project_id order by project_id`;
}

/** Names of servers on hosts, for `GET /os-hypervisors/{}/servers`. */
export async function listServersOn(
  sql: Queryable,
  hosts: string[],
): Promise<{ id: string; number: number; name: string; host: string }[]> {
  return sql<{ id: string; number: number; name: string; host: string }[]>`
    select id, number, name, host from server where host = any(${hosts}) order by number`;
}

/** Zones, each with whether a host of it can be used. */
export async function listZones(sql: Queryable): Promise<{ zone: string; available: boolean }[]> {
  return sql<{ zone: string; available: boolean }[]>`
    select availability_zone as zone, bool_or(not disabled and not forced_down and observed_lost_at is null) as available
    from compute_host group by availability_zone order by availability_zone`;
}
