import type { Queryable } from "../db/database.ts";

export type SigningKeyRow = {
  id: string;
  purpose: string;
  publicKey: Buffer;
  wrappedPrivateKey: Buffer;
  retiredAt: Date | null;
};
export type ProjectKeyRow = { id: string; wrappedKey: Buffer | null; destroyedAt: Date | null };

/** Every signing key, the newest last; retired ones too: what they signed may still be looked at. */
export async function listSigningKeys(sql: Queryable): Promise<SigningKeyRow[]> {
  return sql<SigningKeyRow[]>`
    select id, purpose, public_key, wrapped_private_key, retired_at from signing_key order by created_at, id`;
}

/** Adds a signing key unless the purpose has one in force: of two programs that start together, one makes it. */
export async function insertSigningKey(
  sql: Queryable,
  key: { id: string; purpose: string; publicKey: Buffer; wrappedPrivateKey: Buffer },
): Promise<void> {
  await sql`
    insert into signing_key (id, purpose, public_key, wrapped_private_key)
    values (${key.id}, ${key.purpose}, ${key.publicKey}, ${key.wrappedPrivateKey})
    on conflict (purpose) where retired_at is null do nothing`;
}

export async function findProjectKey(sql: Queryable, projectId: string): Promise<ProjectKeyRow | undefined> {
  const [row] = await sql<ProjectKeyRow[]>`
    select id, wrapped_key, destroyed_at from project_key where project_id = ${projectId}`;
  return row;
}

/** Adds the project's key unless it has (or had) one. */
export async function insertProjectKey(
  sql: Queryable,
  projectId: string,
  key: { id: string; wrappedKey: Buffer },
): Promise<void> {
  await sql`
    insert into project_key (project_id, id, wrapped_key) values (${projectId}, ${key.id}, ${key.wrappedKey})
    on conflict (project_id) do nothing`;
}

/** Forgets the key's bytes and keeps the fact; a project that never had one gets none any more. */
export async function eraseProjectKey(sql: Queryable, projectId: string, id: string): Promise<void> {
  await sql`
    insert into project_key (project_id, id, wrapped_key, destroyed_at) values (${projectId}, ${id}, null, now())
    on conflict (project_id) do update set wrapped_key = null, destroyed_at = coalesce(project_key.destroyed_at, now())`;
}
