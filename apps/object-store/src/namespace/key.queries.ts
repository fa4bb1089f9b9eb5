import type { Queryable } from "@andromede/platform/db/database";

export async function findNamedKey(sql: Queryable, projectId: string, name: string): Promise<Buffer | null> {
  const [row] = await sql<{ wrappedKey: Buffer }[]>`
    select wrapped_key from object_key where project_id = ${projectId} and name = ${name}`;
  return row?.wrappedKey ?? null;
}

/** False: there is one already. */
export async function insertNamedKey(
  sql: Queryable,
  key: { projectId: string; name: string; wrappedKey: Buffer },
): Promise<boolean> {
  const made = await sql`
    insert into object_key (project_id, name, wrapped_key) values (${key.projectId}, ${key.name}, ${key.wrappedKey})
    on conflict do nothing`;
  return made.count > 0;
}
