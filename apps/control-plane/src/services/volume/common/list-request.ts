/** What Cinder's lists have in common: pages, sort keys, filters, the count. Pure. */
import { invalid } from "@andromede/base/errors";

import type { Link } from "../../../http/links.ts";
import { nextPageQuery } from "../../../http/paging.ts";
import { parseQuery } from "../../../http/query.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { type Asked, asksAsAdmin, projectOf } from "./actor.ts";
import { MAX_INT, nextLink, queryBoolean } from "./wire.ts";

const MAX_LIMIT = 1000;

export type SortKey = { key: string; descending: boolean };
export type ListRequest = {
  limit: number;
  offset: number;
  marker: string | null;
  sort: SortKey[];
  /** null: of all projects. */
  projectId: string | null;
  withCount: boolean;
};

function readNumber(request: Pick<ApiRequest, "query">, name: string, fallback: number): number {
  const text = request.query.get(name);
  if (text === undefined) return fallback;
  if (!/^\d+$/.test(text) || Number(text) > MAX_INT) {
    throw invalid(`${name} param must be an integer`.replace("an integer", "a non-negative integer"), { field: name });
  }
  return Number(text);
}

/** `sort=name:asc,size` or the older pair `sort_key` and `sort_dir`. Unknown keys are refused. */
function readSort(request: Pick<ApiRequest, "query">, known: readonly string[]): SortKey[] {
  const { query } = request;
  const sort = query.get("sort");
  if (sort !== undefined && (query.has("sort_key") || query.has("sort_dir"))) {
    throw invalid(
      "The 'sort_key' and 'sort_dir' parameters are deprecated and cannot be used with the 'sort' parameter.",
    );
  }
  const pairs =
    sort === undefined
      ? [[query.get("sort_key") ?? "created_at", query.get("sort_dir") ?? "desc"]]
      : sort.split(",").map((part) => part.trim().split(":"));
  return pairs.map(([key = "", direction = "desc"]) => {
    const name = key === "name" ? "display_name" : key;
    if (!known.includes(name)) throw invalid(`Invalid sort key: ${key}`.slice(0, 300), { field: "sort" });
    if (!["asc", "desc"].includes(direction)) {
      throw invalid(`Unknown sort direction, must be one of: asc, desc`, { field: "sort_dir" });
    }
    return { key: name, descending: direction === "desc" };
  });
}

/** Whose: an operator may ask for everybody's with `all_tenants`, and for one project's with `project_id`. */
export function listScope(request: Asked & Pick<ApiRequest, "query">): string | null {
  if (!asksAsAdmin(request)) return projectOf(request);
  const all =
    request.query.has("all_tenants") &&
    (request.query.get("all_tenants") === "" || queryBoolean(request, "all_tenants"));
  if (!all) return projectOf(request);
  return request.query.get("project_id") ?? null;
}

/** For lists whose pages, order and filters came with a later microversion: what older requests say of them is passed over. */
export const pagedSince = (request: ApiRequest, since: number): ApiRequest =>
  request.version >= since
    ? request
    : { ...request, query: parseQuery(request.query.has("all_tenants") ? "all_tenants=1" : "") };

export function readListRequest(
  request: ApiRequest,
  options: { sortKeys: readonly string[]; countSince?: number },
): ListRequest {
  const limit = readNumber(request, "limit", MAX_LIMIT);
  return {
    limit: Math.min(limit, MAX_LIMIT),
    offset: readNumber(request, "offset", 0),
    marker: request.query.get("marker") ?? null,
    sort: readSort(request, options.sortKeys),
    projectId: listScope(request),
    withCount: request.version >= (options.countSince ?? Infinity) && queryBoolean(request, "with_count"),
  };
}

/** `volumes_links`: there when the page is full, as Cinder does, which does not look whether more follow. */
export function pageLinks(
  request: ApiRequest,
  name: string,
  list: ListRequest,
  rows: readonly { id: string }[],
): { [name: string]: Link[] } {
  const last = rows.at(-1);
  if (last === undefined || rows.length < list.limit) return {};
  return { [name]: nextLink(request, nextPageQuery(request.query, last.id)) };
}

/** Arguments that are about the list and no filters. */
const ARGUMENTS = new Set(["limit", "offset", "marker", "sort", "sort_key", "sort_dir", "all_tenants", "with_count"]);

export type Filters = { [name: string]: string };

/**
 * The filters of a request. Up to 3.30 those that nobody may use are passed over; from 3.31 on they are refused
 * ("configurable resource filters"); operators may use any that exist. `name~` and so on (3.34): a part of the text.
 */
export function readFilters(
  request: ApiRequest,
  options: { enabled: readonly string[]; known: readonly string[]; like?: readonly string[] },
): Filters {
  const filters: Filters = {};
  const refused: string[] = [];
  for (const name of request.query.names()) {
    if (ARGUMENTS.has(name)) continue;
    const isLike = name.endsWith("~");
    const plain = isLike ? name.slice(0, -1) : name;
    const exists = isLike
      ? (options.like ?? []).includes(plain) && request.version >= 34
      : options.known.includes(plain);
    const may = asksAsAdmin(request) || options.enabled.includes(plain);
    if (exists && may) filters[name] = request.query.get(name) ?? "";
    else if (request.version >= 31 && !may) refused.push(name);
  }
  if (refused.length > 0)
    throw invalid(`Invalid filters ${refused.join(", ").slice(0, 200)} are found in query options.`);
  return filters;
}

/** `{'key': 'value'}` as Python writes a dictionary of texts, or JSON. Refuses anything else. */
export function readDictionary(text: string, name: string): { [key: string]: string } {
  const refuse = () =>
    invalid(`Invalid value '${text.slice(0, 100)}' for filter ${name}: it is not a dictionary`, { field: name });
  const inner = /^\s*\{(.*)\}\s*$/s.exec(text)?.[1];
  if (inner === undefined) throw refuse();
  const found: { [key: string]: string } = {};
  const quoted = String.raw`u?(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")`;
  const pair = new RegExp(String.raw`\s*${quoted}\s*:\s*(?:${quoted}|(True|False|None|-?\d+))\s*(?:,|$)`, "sy");
  while (pair.lastIndex < inner.trimEnd().length) {
    const match = pair.exec(inner);
    if (match === null) throw refuse();
    found[unquote(match[1] ?? match[2] ?? "")] = match[5] ?? unquote(match[3] ?? match[4] ?? "");
  }
  return found;
}

const unquote = (text: string): string => text.replaceAll(/\\(.)/gs, "$1");
