/** `POST` or `DELETE ?bulk-delete`: a line for each thing to delete. */
import { LIMITS } from "../limits.ts";
import { collectBody } from "../large-objects/manifest.ts";
import type { SwiftRequest } from "../swift-request.ts";
import { refusal } from "../wire/refusal.ts";
import type { Reply } from "../wire/reply.ts";
import { parseDoomed } from "./bulk-delete.model.ts";
import { bulkFormat } from "./bulk.view.ts";
import { deleteReply } from "./delete-many.ts";

const LONGEST_LINE = (LIMITS.objectName + LIMITS.containerName + 2) * 3;

export async function bulkDelete(request: SwiftRequest): Promise<Reply> {
  const { headers, caller } = request;
  // nobody may delete without a token, whatever an ACL says: such a list need not be read
  if (caller.actor === null) throw refusal(401);
  const format = bulkFormat(headers.accept);
  const type = headers["content-type"];
  if (format === null || (type !== undefined && type !== "" && !type.startsWith("text/plain")))
    return deleteReply(request, null, []);
  if (headers["content-length"] === undefined && headers["transfer-encoding"] === undefined) throw refusal(411);
  const tooMany = `Maximum Bulk Deletes: ${LIMITS.bulkDeletes} per request`;
  const body = await collectBody(request, LIMITS.bulkDeletes * LONGEST_LINE, tooMany);
  return deleteReply(request, format, parseDoomed(body.toString("latin1")));
}
