import type { Queryable } from "@andromede/platform/db/database";

import type { Fragment } from "../common/list.queries.ts";
import type { QosRule } from "../qos/qos-policy.model.ts";
import { rulesOf } from "../qos/qos-policy.queries.ts";
import type { HostRoute } from "../subnets/subnet.model.ts";

export type WantedRouter = {
  id: string;
  name: string;
  adminStateUp: boolean;
  routes: HostRoute[];
  revisionNumber: number;
  enableSnat: boolean;
  gateway: {
    portId: string;
    networkId: string;
    macAddress: string;
    revision: number;
    mtu: number;
    /** Of the gateway's own policy, or the external network's. */
    qosRules: QosRule[];
    legs: { address: string; prefix: number; gatewayIp: string | null }[];
  } | null;
  /** Those that are translated on their way out. */
  internalCidrs: string[];
};

/** Is a subnet (`s`) of the address scope that the gateway (of `r`) is in? Between the two, addresses mean the same: none is translated. */
const inScopeOfGateway = (sql: Queryable): Fragment => sql`exists (
  select 1 from subnetpool inside join subnetpool outside on outside.address_scope_id = inside.address_scope_id
    join subnet e on e.subnetpool_id = outside.id join ip_allocation g on g.subnet_id = e.id
  where inside.id = s.subnetpool_id and g.port_id = r.gateway_port_id)`;

/** A router with its gateway's port and what is behind its interfaces. One query. */
export async function findWantedRouter(sql: Queryable, id: string): Promise<WantedRouter | null> {
  const [row] = await sql<WantedRouter[]>`
    select r.id, r.name, r.admin_state_up, r.routes, r.revision_number, r.enable_snat,
      (select jsonb_build_object('portId', p.id, 'networkId', p.network_id, 'macAddress', p.mac_address, 'revision', p.revision_number, 'mtu', n.mtu,
        'qosRules', ${rulesOf(sql, sql`coalesce(r.gateway_qos_policy_id, n.qos_policy_id)`)},
        'legs', coalesce((select jsonb_agg(jsonb_build_object('address', host(a.address), 'prefix', masklen(s.cidr), 'gatewayIp', s.gateway_ip) order by a.address)
          from ip_allocation a join subnet s on s.id = a.subnet_id where a.port_id = p.id), '[]'))
        from port p join network n on n.id = p.network_id where p.id = r.gateway_port_id) as gateway,
      array(select distinct s.cidr::text from port p join ip_allocation a on a.port_id = p.id join subnet s on s.id = a.subnet_id
        where p.device_id = r.id and p.device_owner = 'network:router_interface' and not ${inScopeOfGateway(sql)} order by 1) as internal_cidrs
    from router r where r.id = ${id}`;
  return row ?? null;
}
