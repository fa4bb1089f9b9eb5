/** What projects used in a period: hours of their servers, each with what its flavor takes. */
import { forbidden, invalid } from "@andromede/base/errors";

import { readPaging } from "../../../http/paging.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { asksAsAdmin } from "../common/actor.ts";
import { refuseUnknownParameters } from "../common/query.ts";
import type { ServerUsage, UsagePeriod } from "./usage.model.ts";
import { listServerUsages } from "./usage.queries.ts";

export type UsageReport = { usages: ServerUsage[]; period: UsagePeriod; more: boolean };

const PAGED_SINCE = 40;
const DATE = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d{1,6})?$/;

/** `projectId` null: everybody's. */
export async function readUsage(request: ApiRequest, projectId: string | null): Promise<UsageReport> {
  const known = ["start", "end", "limit", "marker", ...(projectId === null ? ["detailed"] : [])];
  refuseUnknownParameters(request, known);
  if (projectId !== null && projectId !== request.actor.projectId && !asksAsAdmin(request)) {
    throw forbidden("Policy doesn't allow os_compute_api:os-simple-tenant-usage:show to be performed.");
  }
  const period = readPeriod(request);
  const paged = request.version >= PAGED_SINCE;
  const { limit, marker } = paged ? readPaging(request.query) : { limit: 1000, marker: undefined };
  const usages = limit === 0 ? [] : await listServerUsages(request.app.db, { ...period, projectId, marker, limit });
  if (usages === null) throw invalid(`Marker ${marker ?? ""} could not be found.`);
  return { usages, period, more: paged && limit > 0 && usages.length === limit };
}

/** Both ends are now unless said; what is still to come is not used yet. */
function readPeriod({ query, app }: ApiRequest): UsagePeriod {
  const now = app.clock.now();
  const start = readDate(query.get("start"), now);
  const stop = readDate(query.get("end"), now);
  if (start >= stop) throw invalid("Invalid start time. The start time cannot occur after the end time.");
  return { start: new Date(start), stop: new Date(Math.min(stop, now)) };
}

function readDate(text: string | undefined, now: number): number {
  if (text === undefined || text === "") return now;
  const at = DATE.test(text) ? Date.parse(`${text.replace(" ", "T")}Z`) : Number.NaN;
  if (Number.isNaN(at)) throw invalid("Datetime is in invalid format");
  return at;
}
