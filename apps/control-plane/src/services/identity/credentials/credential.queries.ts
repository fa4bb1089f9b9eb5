import type { Queryable } from "@andromede/platform/db/database";

import type { Credential } from "./credential.model.ts";

const columns = (sql: Queryable) =>
  sql`id, user_id, project_id, type, wrapped_blob, trust_id, application_credential_id, extra`;

export async function findCredentialById(sql: Queryable, id: string): Promise<Credential | null> {
  const [row] = await sql<Credential[]>`select ${columns(sql)} from credential where id = ${id}`;
  return row ?? null;
}

export async function lockCredential(sql: Queryable, id: string): Promise<Credential | null> {
  const [row] = await sql<Credential[]>`select ${columns(sql)} from credential where id = ${id} for update`;
  return row ?? null;
}

/** `userId` null: everybody's. `projectId`: only those for that project. */
export async function listCredentials(
  sql: Queryable,
  filter: { userId: string | null; type: string | undefined; projectId: string | null; limit: number },
): Promise<Credential[]> {
  return sql<Credential[]>`
    select ${columns(sql)} from credential
    where true ${filter.userId === null ? sql`` : sql`and user_id = ${filter.userId}`}
      ${filter.type === undefined ? sql`` : sql`and type = ${filter.type}`}
      ${filter.projectId === null ? sql`` : sql`and project_id = ${filter.projectId}`}
    order by id limit ${filter.limit}`;
}

export async function listCredentialsOfType(sql: Queryable, userId: string, type: string): Promise<Credential[]> {
  return sql<Credential[]>`
    select ${columns(sql)} from credential where user_id = ${userId} and type = ${type} order by id limit 100`;
}

export async function countCredentials(sql: Queryable, userId: string): Promise<number> {
  const [row] = await sql<{ n: number }[]>`select count(*)::int as n from credential where user_id = ${userId}`;
  return row?.n ?? 0;
}

export async function listCredentialIds(sql: Queryable, projectId: string): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`select id from credential where project_id = ${projectId} order by id`;
  return rows.map((row) => row.id);
}

export async function insertCredentialRow(sql: Queryable, credential: Credential): Promise<void> {
  await sql`
    insert into credential (id, user_id, project_id, type, wrapped_blob, trust_id, application_credential_id, extra)
    values (${credential.id}, ${credential.userId}, ${credential.projectId}, ${credential.type}, ${credential.wrappedBlob},
      ${credential.trustId}, ${credential.applicationCredentialId}, ${sql.json(credential.extra)})`;
}

export async function updateCredentialRow(sql: Queryable, credential: Credential): Promise<void> {
  await sql`
    update credential set user_id = ${credential.userId}, project_id = ${credential.projectId}, type = ${credential.type},
      wrapped_blob = ${credential.wrappedBlob}, extra = ${sql.json(credential.extra)}, last_used_step = 0
    where id = ${credential.id}`;
}

/** Was there one to remove? */
export async function deleteCredentialRow(sql: Queryable, id: string): Promise<boolean> {
  const rows = await sql`delete from credential where id = ${id} returning 1`;
  return rows.length > 0;
}

/** False: that code, or a later one, was taken before. */
export async function takeStep(sql: Queryable, id: string, step: number): Promise<boolean> {
  const rows = await sql`
    update credential set last_used_step = ${step} where id = ${id} and last_used_step < ${step} returning 1`;
  return rows.length > 0;
}
