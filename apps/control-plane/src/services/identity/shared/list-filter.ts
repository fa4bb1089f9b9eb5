/** What most of Keystone's lists can be asked: exact name, the inexact filters, enabled, limit and marker. Pure. */
import { readPaging } from "../../../http/paging.ts";
import { readBoolean } from "../../../http/query.ts";
import type { Query } from "../../../http/service.ts";

export type NamePattern = { exact: string } | { like: string; caseless: boolean };

export type ListFilter = {
  name: NamePattern | undefined;
  enabled: boolean | undefined;
  limit: number;
  marker: string | undefined;
};

/** More at once would hold the event loop; `links.next` leads on. */
const MAX_LIMIT = 10_000;

export function readListFilter(query: Query): ListFilter {
  return {
    name: readNamePattern(query),
    enabled: readBoolean(query, "enabled"),
    ...readPaging(query, { maxLimit: MAX_LIMIT, zeroMeansAll: true }),
    marker: query.get("marker"),
  };
}

/** `name=x`, or `name__contains=x` and its sisters (Identity API v3, "Filtering"). */
function readNamePattern(query: Query): NamePattern | undefined {
  const exact = query.get("name");
  if (exact !== undefined) return { exact };
  for (const caseless of [false, true]) {
    const prefix = caseless ? "name__i" : "name__";
    for (const [word, before, after] of [
      ["contains", "%", "%"],
      ["startswith", "", "%"],
      ["endswith", "%", ""],
    ] as const) {
      const value = query.get(`${prefix}${word}`);
      if (value !== undefined)
        return { like: `${before}${value.replaceAll(/[\\%_]/g, String.raw`\$&`)}${after}`, caseless };
    }
  }
  return undefined;
}

/** Keystone's flags: there at all, unless with a value that says no. */
export function isFlagSet(query: Query, name: string): boolean {
  const value = query.get(name);
  return value !== undefined && value !== "0" && value.toLowerCase() !== "false";
}

/** Splits one row more than asked into the page and the marker of what follows. */
export function toPage<Row extends { id: string }>(rows: Row[], limit: number): { rows: Row[]; next: string | null } {
  if (rows.length <= limit) return { rows, next: null };
  const page = rows.slice(0, limit);
  return { rows: page, next: page.at(-1)?.id ?? null };
}
