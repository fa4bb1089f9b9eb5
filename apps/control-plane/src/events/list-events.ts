import { isUuid } from "@andromede/base/ids";
import { invalid } from "@andromede/base/errors";
import type { Queryable } from "@andromede/platform/db/database";

import { type CadfEvent, toCadfEvent } from "./cadf.view.ts";
import { type EventQuery, findEvents } from "./events.queries.ts";

/** Events as CADF, oldest first. `projectId` null: the whole cloud's, which is for operators. */
export async function listEvents(sql: Queryable, query: EventQuery): Promise<CadfEvent[]> {
  if (query.marker !== null && !isUuid(query.marker))
    throw invalid(`Invalid marker '${query.marker}'`, { field: "marker" });
  return (await findEvents(sql, query)).map(toCadfEvent);
}
