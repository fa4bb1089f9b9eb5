import type { Queryable } from "@andromede/platform/db/database";

import type { Requester } from "../common/requester.ts";
import type { Tagged } from "./tag.model.ts";

/** What a requester may see the tags of: its own things; networks, subnets and pools of others too, where they are open to all. */
export async function findTags(
  sql: Queryable,
  table: Tagged,
  requester: Requester,
  id: string,
): Promise<{ tags: string[]; projectId: string } | null> {
  const who = sql`array['*', ${requester.projectId}]::text[]`;
  const open =
    table === "network"
      ? sql`or t.shared_with && ${who} or t.external_to && ${who}`
      : table === "subnetpool" || table === "security_group" || table === "qos_policy"
        ? sql`or t.shared_with && ${who}`
        : sql``;
  const [row] = await sql<{ tags: string[]; projectId: string }[]>`
    select t.tags, t.project_id from ${sql(table)} t
    where t.id = ${id} and (${requester.admin} or t.project_id = ${requester.projectId} ${open})`;
  return row ?? null;
}

/** The row is held: two clients that each add a tag both get theirs. */
export async function lockTags(
  sql: Queryable,
  table: Tagged,
  requester: Requester,
  id: string,
): Promise<{ tags: string[]; projectId: string } | null> {
  const [row] = await sql<{ tags: string[]; projectId: string }[]>`
    select t.tags, t.project_id from ${sql(table)} t
    where t.id = ${id} and (${requester.admin} or t.project_id = ${requester.projectId}) for no key update`;
  return row ?? null;
}

export async function updateTags(sql: Queryable, table: Tagged, id: string, tags: string[]): Promise<void> {
  await sql`update ${sql(table)} set tags = ${tags}, revision_number = revision_number + 1, updated_at = now() where id = ${id}`;
}
