import { unauthenticated } from "@andromede/base/errors";
import type { TokenContents } from "@andromede/platform/tokens/token.model";

import type { ApiRequest } from "../../../http/service.ts";

/** Everything the request's own token says, beyond what `actor` carries. */
export function callerToken(request: Pick<ApiRequest, "app" | "headers">): TokenContents {
  const token = request.headers["x-auth-token"];
  const known = typeof token === "string" ? request.app.tokens.read(token, request.app.clock.now()) : null;
  if (known === null) throw unauthenticated("The request you have made requires authentication.");
  return known.contents;
}
