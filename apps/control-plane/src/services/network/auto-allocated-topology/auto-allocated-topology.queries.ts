import type { Queryable } from "@andromede/platform/db/database";

export type Topology = { networkId: string; routerId: string | null };

export async function findTopology(sql: Queryable, projectId: string): Promise<Topology | null> {
  const [row] = await sql<Topology[]>`
    select network_id, router_id from auto_allocated_topology where project_id = ${projectId}`;
  return row ?? null;
}

export async function insertTopology(sql: Queryable, projectId: string, topology: Topology): Promise<void> {
  await sql`
    insert into auto_allocated_topology (project_id, network_id, router_id)
    values (${projectId}, ${topology.networkId}, ${topology.routerId})`;
}

export async function deleteTopologyRow(sql: Queryable, projectId: string): Promise<void> {
  await sql`delete from auto_allocated_topology where project_id = ${projectId}`;
}

/** What a topology is made from: the way out for everybody, and the pools that subnets are cut from when none is named. */
export async function findDefaults(
  sql: Queryable,
): Promise<{ externalNetworkId: string | null; pools: { id: string; ipVersion: 4 | 6 }[] }> {
  const [[network], pools] = await Promise.all([
    sql<{ id: string }[]>`select id from network where is_default and external`,
    sql<{ id: string; ipVersion: 4 | 6 }[]>`select id, ip_version from subnetpool where is_default order by ip_version`,
  ]);
  return { externalNetworkId: network?.id ?? null, pools };
}
