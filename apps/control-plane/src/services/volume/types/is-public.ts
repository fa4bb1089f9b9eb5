/** Which of two kinds of types an operator asks for: `is_public` true, false, or none for both. Pure. */
import { invalid } from "@andromede/base/errors";

import type { ApiRequest } from "../../../http/service.ts";

export function isPublicAsked(request: Pick<ApiRequest, "query">): boolean | undefined {
  const text = request.query.get("is_public");
  if (text === undefined) return true;
  if (text.toLowerCase() === "none") return undefined;
  if (["true", "1", "t", "yes", "on"].includes(text.toLowerCase())) return true;
  if (["false", "0", "f", "no", "off"].includes(text.toLowerCase())) return false;
  throw invalid(`Invalid is_public filter [${text.slice(0, 100)}]`, { field: "is_public" });
}
