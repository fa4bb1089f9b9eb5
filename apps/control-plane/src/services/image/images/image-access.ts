/** Who may do what with an image they can see. What they cannot see does not exist (404). */
import { forbidden, notFound } from "@andromede/base/errors";
import type { Queryable } from "@andromede/platform/db/database";

import { isAdmin } from "../../../http/policy.ts";
import type { Image, ImageVisibility } from "./image.model.ts";
import { type Who, findVisibleImage, lockVisibleImage } from "./image.queries.ts";

const missing = (id: string) => notFound(`No image found with ID ${id}`);

export const isOwner = (who: Who, image: Pick<Image, "projectId">): boolean =>
  isAdmin(who.actor, who.plane) || (image.projectId !== null && image.projectId === who.actor.projectId);

export async function getVisibleImage(sql: Queryable, who: Who, id: string): Promise<Image> {
  const image = await findVisibleImage(sql, who, id);
  if (image === null) throw missing(id);
  return image;
}

/** Locked, and theirs: others' images that they see (public ones, say) are refused in words. */
export async function lockOwnImage(sql: Queryable, who: Who, id: string, what: string): Promise<Image> {
  const image = await lockVisibleImage(sql, who, id);
  if (image === null) throw missing(id);
  if (!isOwner(who, image)) throw forbidden(`You are not authorized to complete ${what} action.`);
  return image;
}

/** Everybody sees a public image in their lists: only an operator puts one there. */
export function checkVisibility(who: Who, before: ImageVisibility | null, after: ImageVisibility): void {
  if (after === "public" && before !== "public" && !isAdmin(who.actor, who.plane)) {
    throw forbidden("You are not authorized to complete publicize_image action.");
  }
}
