import { invalid } from "@andromede/base/errors";
import type { JsonObject } from "@andromede/base/json";

const MAX_BYTES = 16 * 1024;

/**
 * Members of a body that the API does not know: Keystone keeps them with the resource and shows them again.
 * `known` are those with a place of their own.
 */
export function extraOf(body: object, known: readonly string[]): JsonObject {
  const extra = Object.fromEntries(Object.entries(body).filter(([key]) => !known.includes(key))) as JsonObject;
  return extra;
}

/** What is kept after a change; too much of it is refused. */
export function mergeExtra(before: JsonObject, change: JsonObject): JsonObject {
  const merged = { ...before, ...change };
  if (JSON.stringify(merged).length > MAX_BYTES)
    throw invalid(`Additional attributes are larger than ${MAX_BYTES} bytes`);
  return merged;
}
