import type { Queryable } from "@andromede/platform/db/database";

import { type Fragment, afterMarker, filtersOf, findMarker, inOrder, orderOf } from "../common/list.queries.ts";
import type { ListRequest } from "../common/list-request.ts";
import type { PortForwarding } from "./port-forwarding.model.ts";

type Row = Omit<PortForwarding, "externalPort" | "internalPort"> & {
  externalPortFirst: number;
  externalPortLast: number;
  internalPortFirst: number;
  internalPortLast: number;
};
const columns = (
  sql: Queryable,
): Fragment => sql`t.id, t.project_id, t.floatingip_id, t.protocol, t.external_port_first,
  t.external_port_last, t.internal_port_first, t.internal_port_last, t.internal_port_id, t.internal_ip_address, t.description`;

const toForwarding = ({ externalPortFirst, externalPortLast, internalPortFirst, internalPortLast, ...row }: Row) => ({
  ...row,
  externalPort: { first: externalPortFirst, last: externalPortLast },
  internalPort: { first: internalPortFirst, last: internalPortLast },
});

export async function insertPortForwarding(sql: Queryable, one: PortForwarding): Promise<void> {
  await sql`
    insert into port_forwarding (id, project_id, floatingip_id, protocol, external_port_first, external_port_last, internal_port_first,
      internal_port_last, internal_port_id, internal_ip_address, description)
    values (${one.id}, ${one.projectId}, ${one.floatingipId}, ${one.protocol}, ${one.externalPort.first}, ${one.externalPort.last},
      ${one.internalPort.first}, ${one.internalPort.last}, ${one.internalPortId}, ${one.internalIpAddress}, ${one.description})`;
}

export async function updatePortForwardingRow(sql: Queryable, one: PortForwarding): Promise<void> {
  await sql`
    update port_forwarding set protocol = ${one.protocol}, external_port_first = ${one.externalPort.first},
      external_port_last = ${one.externalPort.last}, internal_port_first = ${one.internalPort.first},
      internal_port_last = ${one.internalPort.last}, internal_port_id = ${one.internalPortId},
      internal_ip_address = ${one.internalIpAddress}, description = ${one.description}
    where id = ${one.id}`;
}

export async function deletePortForwardingRow(sql: Queryable, id: string): Promise<void> {
  await sql`delete from port_forwarding where id = ${id}`;
}

export async function findPortForwarding(
  sql: Queryable,
  floatingIpId: string,
  id: string,
): Promise<PortForwarding | null> {
  const [row] = await sql<Row[]>`
    select ${columns(sql)} from port_forwarding t where t.id = ${id} and t.floatingip_id = ${floatingIpId}`;
  return row === undefined ? null : toForwarding(row);
}

/** By its id alone: for purge and export. */
export async function findFloatingIpOf(sql: Queryable, id: string): Promise<string | null> {
  const [row] = await sql<{ floatingipId: string }[]>`select floatingip_id from port_forwarding where id = ${id}`;
  return row?.floatingipId ?? null;
}

export async function listForwardingsOf(sql: Queryable, floatingIpIds: readonly string[]): Promise<PortForwarding[]> {
  const rows = await sql<Row[]>`
    select ${columns(sql)} from port_forwarding t where t.floatingip_id = any(${[...floatingIpIds]}::text[])
    order by t.floatingip_id, t.id`;
  return rows.map(toForwarding);
}

export async function listForwardingsTo(sql: Queryable, portId: string): Promise<PortForwarding[]> {
  const rows = await sql<Row[]>`
    select ${columns(sql)} from port_forwarding t where t.internal_port_id = ${portId} order by t.id`;
  return rows.map(toForwarding);
}

export async function listPortForwardings(
  sql: Queryable,
  floatingIpId: string,
  request: ListRequest,
): Promise<PortForwarding[]> {
  const marker = await findMarker(sql, "port_forwarding", sql`t.floatingip_id = ${floatingIpId}`, request);
  const rows = await sql<Row[]>`
    select ${columns(sql)} from port_forwarding t where t.floatingip_id = ${floatingIpId}
      ${filtersOf(sql, request)} ${afterMarker(sql, request, marker)} ${orderOf(sql, request)}`;
  return inOrder(request, rows).map(toForwarding);
}

/** A floating IP that forwards has its router as long as it forwards. */
export async function setRouter(sql: Queryable, floatingIpId: string, routerId: string | null): Promise<void> {
  await sql`
    update floatingip set router_id = ${routerId}, revision_number = revision_number + 1, updated_at = now()
    where id = ${floatingIpId}`;
}

/** A port, or some of its addresses, go: what led there goes too, and a floating IP that leads nowhere leaves its router. */
export async function dropForwardingsTo(
  sql: Queryable,
  portId: string,
  addresses?: readonly string[],
): Promise<{ id: string; floatingipId: string; projectId: string }[]> {
  return sql`
    with gone as (
      delete from port_forwarding where internal_port_id = ${portId}
        ${addresses === undefined ? sql`` : sql`and internal_ip_address = any(${[...addresses]}::text[])`}
      returning id, floatingip_id, project_id
    ), changed as (
      update floatingip f set revision_number = f.revision_number + 1, updated_at = now(),
        router_id = case when exists (select 1 from port_forwarding p where p.floatingip_id = f.id and p.id not in (select id from gone)) then f.router_id end
      where f.id in (select floatingip_id from gone)
    ) select id, floatingip_id, project_id from gone`;
}
