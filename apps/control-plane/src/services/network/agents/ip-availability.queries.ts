import type { Queryable } from "@andromede/platform/db/database";

import type { Pool } from "../subnets/subnet.model.ts";

export type NetworkUse = {
  networkId: string;
  networkName: string;
  projectId: string;
  subnets: { id: string; name: string; cidr: string; ipVersion: 4 | 6; pools: Pool[]; used: number }[];
};

/** How many addresses are in use, by network and subnet. One query. */
export async function listNetworkUse(sql: Queryable, id?: string): Promise<NetworkUse[]> {
  return sql<NetworkUse[]>`
    select n.id as network_id, n.name as network_name, n.project_id,
      coalesce((select jsonb_agg(jsonb_build_object('id', s.id, 'name', s.name, 'cidr', s.cidr::text, 'ipVersion', s.ip_version, 'pools', s.allocation_pools,
        'used', (select count(*) from ip_allocation a where a.subnet_id = s.id)) order by s.created_at, s.id)
        from subnet s where s.network_id = n.id), '[]') as subnets
    from network n ${id === undefined ? sql`` : sql`where n.id = ${id}`} order by n.id`;
}
