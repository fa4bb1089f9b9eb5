/** Every SQL statement on images. */
import type { Queryable } from "../../../db/database.ts";
import type { Actor, Plane } from "../../../http/identity-token.ts";
import { isAdmin } from "../../../http/policy.ts";
import type { Image } from "./image.model.ts";

type Who = { actor: Actor; plane: Plane };

/** One that is not on its way out, whoever asks. */
export async function findImage(sql: Queryable, id: string): Promise<Image | null> {
  const [row] = await sql<Image[]>`select * from image where id = ${id} and status <> 'deleting'`;
  return row ?? null;
}

/** One that the actor may see: theirs, public, community, or shared with their project, whatever they answered to that. */
export async function findVisibleImage(sql: Queryable, who: Who, id: string): Promise<Image | null> {
  if (isAdmin(who.actor, who.plane)) return findImage(sql, id);
  const project = who.actor.projectId;
  const [row] = await sql<Image[]>`
    select * from image
    where id = ${id} and status <> 'deleting' and (
      project_id = ${project} or visibility in ('public', 'community')
      or (visibility = 'shared' and exists (select 1 from image_member where image_id = image.id and member_id = ${project})))`;
  return row ?? null;
}
