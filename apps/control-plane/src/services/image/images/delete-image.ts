import { forbidden } from "@andromede/base/errors";

import type { Transaction } from "../../../db/transaction.ts";
import { transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { lockOwnImage } from "./image-access.ts";
import { setImageStatus } from "./image.queries.ts";

/** Gone for everybody at once; its bytes go with the reconciler's next turn. */
export async function deleteImage(
  request: Pick<ApiRequest, "app" | "actor" | "plane" | "origin">,
  id: string,
): Promise<void> {
  await transact(request.app, request.origin, async (tx) => {
    const image = await lockOwnImage(tx.sql, request, id, "delete_image");
    if (image.protected) throw forbidden(`Image ${id} is protected and cannot be deleted.`);
    await startDeletion(tx, image);
  });
}

/** For whoever has decided already, a purge say. */
export async function startDeletion(
  tx: Transaction,
  image: { id: string; projectId: string | null; name: string | null },
): Promise<void> {
  await setImageStatus(tx.sql, image.id, "deleting");
  tx.event({
    action: "image.image.delete",
    target: { type: "image", id: image.id, projectId: image.projectId },
    detail: { name: image.name },
  });
  tx.enqueue(`image/${image.id}`);
}
