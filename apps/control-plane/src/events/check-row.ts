/** Does a row of the event table say what its body says? Pure. */
import { isObject } from "@andromede/base/json";
import { leafHash } from "@andromede/platform/events/append";

import type { EventRow } from "./events.queries.ts";

/** What is wrong with the row by itself; empty: it agrees with its own body and its own hash. */
export function checkRow(row: EventRow): string[] {
  const wrong: string[] = [];
  if (!leafHash(row.body).equals(row.leafHash)) wrong.push("its body and its leaf_hash do not fit each other");
  const columns = differingColumns(row);
  if (columns === null) wrong.push("its body is not an event");
  else if (columns.length > 0)
    wrong.push(`its ${columns.length === 1 ? "column" : "columns"} ${columns.join(", ")} differ from its body`);
  return wrong;
}

function differingColumns(row: EventRow): string[] | null {
  const body = parse(row.body);
  if (body === null) return null;
  const origin = isObject(body["origin"]) ? body["origin"] : {};
  const target = isObject(body["target"]) ? body["target"] : {};
  const pairs: [string, unknown, unknown][] = [
    ["id", row.id, body["id"]],
    ["time", row.time.toISOString(), body["time"]],
    ["action", row.action, body["action"]],
    ["outcome", row.outcome, body["outcome"]],
    ["user_id", row.userId, origin["userId"]],
    ["project_id", row.projectId, target["projectId"]],
    ["target_type", row.targetType, target["type"]],
    ["target_id", row.targetId, target["id"]],
  ];
  return pairs.filter(([, column, said]) => column !== said).map(([name]) => name);
}

function parse(text: string): { [name: string]: unknown } | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null; // a body that somebody broke: what we came to find out
  }
}
