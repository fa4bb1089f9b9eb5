import type { Queryable } from "@andromede/platform/db/database";

import { type Fragment, afterMarker, filtersOf, findMarker, inOrder, orderOf } from "../common/list.queries.ts";
import type { ListRequest } from "../common/list-request.ts";
import type { Requester } from "../common/requester.ts";
import { renewPort } from "../ports/port.queries.ts";
import { SUBPORT_OWNER, type SubPort, type Trunk } from "./trunk.model.ts";

const columns = (
  sql: Queryable,
): Fragment => sql`t.id, t.project_id, t.name, t.description, t.admin_state_up, t.port_id, t.tags,
  t.revision_number, t.created_at, t.updated_at,
  case when (select p.observed_up and p.admin_state_up from port p where p.id = t.port_id) then 'ACTIVE' else 'DOWN' end as status,
  coalesce((select jsonb_agg(jsonb_build_object('portId', s.port_id, 'segmentationType', 'vlan', 'segmentationId', s.segmentation_id)
    order by s.segmentation_id) from trunk_subport s where s.trunk_id = t.id), '[]') as sub_ports`;
const scope = (sql: Queryable, requester: Requester): Fragment =>
  requester.admin ? sql`true` : sql`t.project_id = ${requester.projectId}`;

export async function insertTrunk(
  sql: Queryable,
  trunk: Pick<Trunk, "id" | "projectId" | "name" | "description" | "adminStateUp" | "portId">,
): Promise<void> {
  await sql`
    insert into trunk (id, project_id, name, description, admin_state_up, port_id)
    values (${trunk.id}, ${trunk.projectId}, ${trunk.name}, ${trunk.description}, ${trunk.adminStateUp}, ${trunk.portId})`;
}

export async function findTrunk(sql: Queryable, requester: Requester, id: string): Promise<Trunk | null> {
  const [row] = await sql<Trunk[]>`select ${columns(sql)} from trunk t where t.id = ${id} and ${scope(sql, requester)}`;
  return row ?? null;
}

export async function lockTrunk(sql: Queryable, requester: Requester, id: string): Promise<Trunk | null> {
  const [row] = await sql<
    Trunk[]
  >`select ${columns(sql)} from trunk t where t.id = ${id} and ${scope(sql, requester)} for update of t`;
  return row ?? null;
}

export async function listTrunks(sql: Queryable, requester: Requester, request: ListRequest): Promise<Trunk[]> {
  const marker = await findMarker(sql, "trunk", scope(sql, requester), request);
  const rows = await sql<Trunk[]>`
    select ${columns(sql)} from trunk t where ${scope(sql, requester)}
      ${filtersOf(sql, request)} ${afterMarker(sql, request, marker)} ${orderOf(sql, request)}`;
  return inOrder(request, rows);
}

export async function updateTrunkRow(
  sql: Queryable,
  id: string,
  change: Pick<Trunk, "name" | "description" | "adminStateUp">,
): Promise<void> {
  await sql`
    update trunk set name = ${change.name}, description = ${change.description}, admin_state_up = ${change.adminStateUp},
      revision_number = revision_number + 1, updated_at = now() where id = ${id}`;
}

/** Its ports came or went. The parent shows them: what was made of its row before does not. */
export async function touchTrunk(sql: Queryable, trunk: Pick<Trunk, "id" | "portId">): Promise<void> {
  await Promise.all([
    sql`update trunk set revision_number = revision_number + 1, updated_at = now() where id = ${trunk.id}`,
    renewPort(sql, trunk.portId),
  ]);
}

export async function deleteTrunkRow(sql: Queryable, id: string): Promise<void> {
  await sql`delete from trunk where id = ${id}`;
}

/** The ports become its subports: up when their parent is. */
export async function addSubPortRows(sql: Queryable, trunk: Trunk, added: readonly SubPort[]): Promise<void> {
  const ports = added.map((one) => one.portId);
  await sql`
    insert into trunk_subport (port_id, trunk_id, segmentation_id)
    select c.port_id, ${trunk.id}, c.tag from unnest(${ports}::text[], ${added.map((one) => one.segmentationId)}::integer[]) as c(port_id, tag)`;
  await sql`
    update port set device_owner = ${SUBPORT_OWNER}, revision_number = revision_number + 1, updated_at = now(),
      observed_up = (select p.observed_up from port p where p.id = ${trunk.portId})
    where id = any(${ports}::text[])`;
}

/** They are ports by themselves again. */
export async function removeSubPortRows(sql: Queryable, trunkId: string, ports: readonly string[]): Promise<void> {
  await sql`delete from trunk_subport where trunk_id = ${trunkId} and port_id = any(${[...ports]}::text[])`;
  await sql`
    update port set device_owner = '', observed_up = false, revision_number = revision_number + 1, updated_at = now()
    where id = any(${[...ports]}::text[])`;
}

/** The trunk that a port belongs to, and as what; null: none. */
export async function findTrunkOfPort(
  sql: Queryable,
  portId: string,
): Promise<{ trunkId: string; parent: boolean } | null> {
  const [row] = await sql<{ trunkId: string; parent: boolean }[]>`
    select id as trunk_id, true as parent from trunk where port_id = ${portId}
    union all select trunk_id, false from trunk_subport where port_id = ${portId} limit 1`;
  return row ?? null;
}

/** MTUs of ports' networks. */
export async function listMtus(sql: Queryable, ports: readonly string[]): Promise<{ id: string; mtu: number }[]> {
  return sql`
    select p.id, n.mtu from port p join network n on n.id = p.network_id where p.id = any(${[...ports]}::text[])`;
}
