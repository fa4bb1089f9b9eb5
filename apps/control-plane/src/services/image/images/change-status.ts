import { forbidden } from "@andromede/base/errors";

import { transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { lockOwnImage } from "./image-access.ts";
import { setImageStatus } from "./image.queries.ts";

/** A deactivated image is seen but not used: neither downloaded by its owner nor booted. Idempotent both ways. */
export async function changeStatus(
  request: Pick<ApiRequest, "app" | "actor" | "plane" | "origin">,
  id: string,
  verb: "deactivate" | "reactivate",
): Promise<void> {
  await transact(request.app, request.origin, async (tx) => {
    const image = await lockOwnImage(tx.sql, request, id, verb);
    const wanted = verb === "deactivate" ? "deactivated" : "active";
    if (image.status === wanted) return;
    if (image.status !== "active" && image.status !== "deactivated") {
      throw forbidden(`Not allowed to ${verb} image in status '${image.status}'`);
    }
    await setImageStatus(tx.sql, id, wanted);
    tx.event({ action: `image.image.${verb}`, target: { type: "image", id, projectId: image.projectId } });
  });
}
