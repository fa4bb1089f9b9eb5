/** Every statement on aggregates. */
import type { Queryable } from "@andromede/platform/db/database";
import type postgres from "postgres";

import { type Aggregate, DEFAULT_ZONE } from "./aggregate.model.ts";

const columns = (sql: Queryable) => sql`
  a.id, a.uuid, a.name, a.availability_zone, a.metadata, a.created_at, a.updated_at,
  array(select h.host from aggregate_host h where h.aggregate_id = a.id order by h.host) as hosts`;

/** Null: there is one of that name. */
export async function insertAggregate(
  sql: Queryable,
  aggregate: { uuid: string; name: string; availabilityZone: string | null; createdAt: Date },
): Promise<Aggregate | null> {
  const [row] = await sql<Aggregate[]>`
    insert into aggregate as a (uuid, name, availability_zone, created_at)
    values (${aggregate.uuid}, ${aggregate.name}, ${aggregate.availabilityZone}, ${aggregate.createdAt})
    on conflict do nothing returning ${columns(sql)}`;
  return row ?? null;
}

export const listAggregates = (sql: Queryable): Promise<Aggregate[]> =>
  sql<Aggregate[]>`select ${columns(sql)} from aggregate a order by a.id`;

export async function findAggregate(sql: Queryable, id: number): Promise<Aggregate | null> {
  const [row] = await sql<Aggregate[]>`select ${columns(sql)} from aggregate a where a.id = ${id}`;
  return row ?? null;
}

/** Held until the transaction ends: which hosts are in which zone changes one aggregate at a time. */
export async function lockAggregate(sql: Queryable, id: number): Promise<Aggregate | null> {
  const [row] = await sql<Aggregate[]>`select ${columns(sql)} from aggregate a where a.id = ${id} for update of a`;
  return row ?? null;
}

export async function isAggregateNamed(sql: Queryable, name: string, exceptId: number): Promise<boolean> {
  return (await sql`select 1 from aggregate where name = ${name} and id <> ${exceptId}`).length > 0;
}

export async function updateAggregateRow(
  sql: postgres.ISql,
  aggregate: Pick<Aggregate, "id" | "name" | "availabilityZone" | "metadata">,
  at: Date,
): Promise<void> {
  await sql`
    update aggregate set name = ${aggregate.name}, availability_zone = ${aggregate.availabilityZone},
      metadata = ${sql.json(aggregate.metadata)}, updated_at = ${at} where id = ${aggregate.id}`;
}

export async function deleteAggregateRow(sql: Queryable, id: number): Promise<void> {
  await sql`delete from aggregate where id = ${id}`;
}

/** False: it is in already. */
export async function insertAggregateHost(sql: Queryable, id: number, host: string): Promise<boolean> {
  const rows = await sql`
    insert into aggregate_host (aggregate_id, host) values (${id}, ${host}) on conflict do nothing returning host`;
  return rows.length > 0;
}

/** False: it was not in. */
export async function deleteAggregateHost(sql: Queryable, id: number, host: string): Promise<boolean> {
  return (
    (await sql`delete from aggregate_host where aggregate_id = ${id} and host = ${host} returning host`).length > 0
  );
}

/** Holds hosts until the transaction ends: no two aggregates may give one of them a zone at once. Which of them there are. */
export async function lockHosts(sql: Queryable, hosts: readonly string[]): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    select name from compute_host where name = any(${hosts as string[]}) order by name for update`;
  return rows.map((row) => row.name);
}

/** Zones that other aggregates put any of these hosts in. */
export async function zonesElsewhere(sql: Queryable, hosts: readonly string[], exceptId: number): Promise<string[]> {
  const rows = await sql<{ zone: string }[]>`
    select distinct a.availability_zone as zone from aggregate a join aggregate_host h on h.aggregate_id = a.id
    where h.host = any(${hosts as string[]}) and a.id <> ${exceptId} and a.availability_zone is not null order by 1`;
  return rows.map((row) => row.zone);
}

export async function haveServers(sql: Queryable, hosts: readonly string[]): Promise<boolean> {
  return (await sql`select 1 from server where host = any(${hosts as string[]}) limit 1`).length > 0;
}

/** Hosts are where their aggregates say, and servers are where their hosts are. */
export async function settleZones(sql: Queryable, hosts: readonly string[]): Promise<void> {
  await sql`
    update compute_host c set availability_zone = coalesce(
      (select a.availability_zone from aggregate a join aggregate_host h on h.aggregate_id = a.id
       where h.host = c.name and a.availability_zone is not null order by a.id limit 1), ${DEFAULT_ZONE})
    where c.name = any(${hosts as string[]})`;
  await sql`
    update server s set availability_zone = c.availability_zone from compute_host c
    where c.name = s.host and s.host = any(${hosts as string[]}) and s.availability_zone is distinct from c.availability_zone`;
}

/** What the aggregates of each host say, for flavors that ask. */
export async function aggregateMetadataByHost(sql: Queryable): Promise<Map<string, { [key: string]: string }[]>> {
  const rows = await sql<{ host: string; metadata: { [key: string]: string }[] }[]>`
    select h.host, jsonb_agg(a.metadata) as metadata from aggregate_host h join aggregate a on a.id = h.aggregate_id group by h.host`;
  return new Map(rows.map((row) => [row.host, row.metadata]));
}
