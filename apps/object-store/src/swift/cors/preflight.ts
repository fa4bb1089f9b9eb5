import { type SwiftRequest, findContainer, levelOf } from "../swift-request.ts";
import type { Reply } from "../wire/reply.ts";
import { preflightReply } from "./cors.ts";

/** Browsers ask this without a token. */
export async function optionsReply(request: SwiftRequest): Promise<Reply> {
  const { container, projectId, headers } = request;
  const asks = container !== null && headers.origin !== undefined;
  const found = asks ? await findContainer(request, projectId, container) : null;
  return preflightReply(headers, levelOf(request), found);
}
