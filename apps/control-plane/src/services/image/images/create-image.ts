import { conflict, forbidden } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";

import { transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { isAdmin } from "../../../http/policy.ts";
import { checkVisibility } from "./image-access.ts";
import type { Image } from "./image.model.ts";
import type { WritableImage } from "./image-properties.ts";
import { insertImage } from "./image.queries.ts";

/** An image without bytes: `queued`. */
export async function createImage(
  request: Pick<ApiRequest, "app" | "actor" | "plane" | "origin">,
  wanted: WritableImage & { id: string | null },
): Promise<Image> {
  const { actor, plane } = request;
  const admin = isAdmin(actor, plane);
  if (wanted.projectId !== actor.projectId && !admin)
    throw forbidden(`You are not permitted to create images owned by '${wanted.projectId ?? ""}'.`);
  if (wanted.projectId === null && !admin)
    throw forbidden("You are not permitted to create images: your token is not scoped to a project.");
  checkVisibility(request, null, wanted.visibility);
  const id = wanted.id ?? newUuid();
  return transact(request.app, request.origin, async (tx) => {
    const image = await insertImage(tx.sql, id, wanted);
    if (image === null) throw conflict(`Image ID ${id} already exists!`);
    tx.event({
      action: "image.image.create",
      target: { type: "image", id, projectId: image.projectId },
      detail: {
        name: image.name,
        visibility: image.visibility,
        diskFormat: image.diskFormat,
        containerFormat: image.containerFormat,
      },
    });
    return image;
  });
}
