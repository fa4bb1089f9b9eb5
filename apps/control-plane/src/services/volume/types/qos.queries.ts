/** Every statement on QoS specs. */
import type { Queryable } from "@andromede/platform/db/database";
import type postgres from "postgres";

import type { QosConsumer } from "./qos.model.ts";

export type QosSpecs = { id: string; name: string; consumer: QosConsumer; specs: { [key: string]: string } };

const columns = (sql: Queryable) => sql`id, name, consumer, specs`;

export async function listQos(sql: Queryable): Promise<QosSpecs[]> {
  return sql<QosSpecs[]>`select ${columns(sql)} from qos_specs order by created_at desc, id desc`;
}

export async function findQos(sql: Queryable, id: string): Promise<QosSpecs | null> {
  const [row] = await sql<QosSpecs[]>`select ${columns(sql)} from qos_specs where id = ${id}`;
  return row ?? null;
}

/** Held until the transaction ends. */
export async function lockQos(sql: Queryable, id: string): Promise<QosSpecs | null> {
  const [row] = await sql<QosSpecs[]>`select ${columns(sql)} from qos_specs where id = ${id} for update`;
  return row ?? null;
}

/** False: there are some of that name. */
export async function insertQos(sql: postgres.ISql, qos: QosSpecs, at: Date): Promise<boolean> {
  const rows = await sql`
    insert into qos_specs (id, name, consumer, specs, created_at)
    values (${qos.id}, ${qos.name}, ${qos.consumer}, ${sql.json(qos.specs)}, ${at}) on conflict (name) do nothing returning 1`;
  return rows.length > 0;
}

export async function setQos(sql: postgres.ISql, qos: Omit<QosSpecs, "name">, at: Date): Promise<void> {
  await sql`update qos_specs set consumer = ${qos.consumer}, specs = ${sql.json(qos.specs)}, updated_at = ${at} where id = ${qos.id}`;
}

export async function deleteQosRow(sql: Queryable, id: string): Promise<void> {
  await sql`delete from qos_specs where id = ${id}`;
}

export async function listQosTypes(sql: Queryable, id: string): Promise<{ id: string; name: string }[]> {
  return sql<{ id: string; name: string }[]>`select id, name from volume_type where qos_specs_id = ${id} order by name`;
}

/** From all types that have it. */
export async function detachQos(sql: Queryable, id: string): Promise<void> {
  await sql`update volume_type set qos_specs_id = null where qos_specs_id = ${id}`;
}
