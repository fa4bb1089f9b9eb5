/** What Nova's lists have in common after the "?". */
import { invalid } from "@andromede/base/errors";

import { readPaging } from "../../../http/paging.ts";
import type { ApiRequest, Query } from "../../../http/service.ts";

/** `limit` and `offset`, of lists that have no marker. */
export function readWindow(query: Query): { limit: number; offset: number } {
  const text = query.get("offset") ?? "0";
  if (!/^\d{1,9}$/.test(text))
    throw invalid(`Invalid offset: '${text}' is not a non-negative integer`, { field: "offset" });
  return { limit: readPaging(query).limit, offset: Number(text) };
}

/** From 2.75 on a parameter that the list does not know is the client's error; before that it is ignored. */
export function refuseUnknownParameters(
  request: Pick<ApiRequest, "query" | "version">,
  known: readonly string[],
): void {
  if (request.version < 75) return;
  const unknown = request.query.names().find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw invalid(
    `Invalid input for query parameters. Additional properties are not allowed ('${unknown}' was unexpected)`,
    { field: unknown },
  );
}
