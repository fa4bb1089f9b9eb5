import type { Queryable } from "@andromede/platform/db/database";

import type { Fragment } from "./list.queries.ts";
import type { Requester } from "./requester.ts";
import { EVERYBODY, type Sharable } from "./sharing.ts";

/** The condition on rows of a shared class (alias `t`) that the requester sees. */
export const openTo = (sql: Queryable, requester: Requester): Fragment =>
  requester.admin
    ? sql`true`
    : sql`(t.project_id = ${requester.projectId} or t.shared_with && ${[EVERYBODY, requester.projectId]}::text[])`;

/** Says in rbac_policy what an object's own `shared` says: open to everybody, or not. The object's row is the caller's. */
export async function setOpenToAll(
  sql: Queryable,
  object: { type: Sharable; id: string; projectId: string },
  action: "access_as_shared" | "access_as_external",
  open: boolean,
  newId: string,
): Promise<void> {
  if (open) {
    await sql`
      insert into rbac_policy (id, project_id, object_type, object_id, action, target_project)
      values (${newId}, ${object.projectId}, ${object.type}, ${object.id}, ${action}, ${EVERYBODY}) on conflict do nothing`;
  } else {
    await sql`delete from rbac_policy where object_id = ${object.id} and action = ${action} and target_project = ${EVERYBODY}`;
  }
}

/** The object goes, and with it who it was open to. */
export async function dropSharing(sql: Queryable, objectId: string): Promise<void> {
  await sql`delete from rbac_policy where object_id = ${objectId}`;
}
