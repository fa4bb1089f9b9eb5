import { invalid } from "@andromede/base/errors";

import type { Query } from "./service.ts";

/** Reads what stands after "?" once; a list route looks at it several times. */
export function parseQuery(raw: string): Query {
  if (raw === "") return emptyQuery;
  if (/%00/.test(raw)) throw invalid("The query contains a null byte");
  const parameters = new URLSearchParams(raw);
  return {
    get: (name) => parameters.getAll(name).at(-1),
    all: (name) => parameters.getAll(name),
    has: (name) => parameters.has(name),
    names: () => [...new Set(parameters.keys())],
    raw,
  };
}

const emptyQuery: Query = { get: () => undefined, all: () => [], has: () => false, names: () => [], raw: "" };

/** Python-minded clients send True, true, 1, yes ...; anything else is refused by name. */
export function readBoolean(query: Query, name: string): boolean | undefined {
  const text = query.get(name);
  if (text === undefined) return undefined;
  const word = text.toLowerCase();
  if (["true", "1", "yes", "on", "t", "y"].includes(word)) return true;
  if (["false", "0", "no", "off", "f", "n"].includes(word)) return false;
  throw invalid(`Invalid value '${text}' for ${name}: it is not a boolean`, { field: name });
}
