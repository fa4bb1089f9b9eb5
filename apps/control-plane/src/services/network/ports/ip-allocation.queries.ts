import type { Queryable } from "@andromede/platform/db/database";

import type { Pool } from "../subnets/subnet.model.ts";

/**
 * Takes the first of the candidates that is free, in one statement; null: none is. Two that race for one address: the
 * second waits for the first's transaction, then comes away with nothing and asks again.
 */
export async function takeOneOf(
  sql: Queryable,
  subnetId: string,
  portId: string,
  candidates: string[],
): Promise<string | null> {
  const [row] = await sql<{ address: string }[]>`
    insert into ip_allocation (subnet_id, address, port_id)
    select ${subnetId}, c.address::inet, ${portId} from unnest(${candidates}::text[]) with ordinality as c(address, place)
    where not exists (select 1 from ip_allocation a where a.subnet_id = ${subnetId} and a.address = c.address::inet)
    order by c.place limit 1
    on conflict (subnet_id, address) do nothing
    returning host(address) as address`;
  return row?.address ?? null;
}

/** The highest address in use; null: none is. */
export async function findHighest(sql: Queryable, subnetId: string): Promise<string | null> {
  const [row] = await sql<{ address: string }[]>`
    select host(address) as address from ip_allocation where subnet_id = ${subnetId} order by address desc limit 1`;
  return row?.address ?? null;
}

/** The first free address of a range: the index is read along the run of taken ones that it begins with, and no further. */
export async function findFirstFree(sql: Queryable, subnetId: string, { start, end }: Pool): Promise<string | null> {
  const [row] = await sql<{ address: string }[]>`
    (select host(${start}::inet) as address
      where not exists (select 1 from ip_allocation where subnet_id = ${subnetId} and address = ${start}::inet))
    union all
    (select host(a.address + 1) from ip_allocation a
      where a.subnet_id = ${subnetId} and a.address >= ${start}::inet and a.address < ${end}::inet
        and not exists (select 1 from ip_allocation b where b.subnet_id = ${subnetId} and b.address = a.address + 1)
      order by a.address limit 1)
    limit 1`;
  return row?.address ?? null;
}

export async function releaseAddresses(sql: Queryable, portId: string, addresses: string[]): Promise<void> {
  await sql`delete from ip_allocation where port_id = ${portId} and address = any(${addresses}::inet[])`;
}

/** Several addresses of one subnet for as many ports; those that are taken are left out. */
export async function takeMany(
  sql: Queryable,
  subnetId: string,
  pairs: { portId: string; address: string }[],
): Promise<{ portId: string; address: string }[]> {
  return sql`
    insert into ip_allocation (subnet_id, address, port_id)
    select ${subnetId}, c.address::inet, c.port_id from unnest(${pairs.map((pair) => pair.address)}::text[], ${pairs.map((pair) => pair.portId)}::text[])
      as c(address, port_id)
    on conflict (subnet_id, address) do nothing returning port_id, host(address) as address`;
}
