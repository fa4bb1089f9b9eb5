/** The query of GET /v2/images (Image API v2, "List images"). Pure. */
import { invalid } from "@andromede/base/errors";

import type { Query } from "../../../http/service.ts";
import type { ImageVisibility } from "./image.model.ts";

export type Comparison = "eq" | "neq" | "gt" | "gte" | "lt" | "lte";

export type ImageFilters = {
  /** Each of these: one of the values. */
  oneOf: { column: "id" | "name" | "status" | "containerFormat" | "diskFormat"; values: string[] }[];
  equal: { column: "projectId" | "checksum" | "sha512"; value: string }[];
  equalNumber: { column: "minDisk" | "minRam"; value: number }[];
  size: { comparison: Comparison; bytes: number }[];
  times: { column: "createdAt" | "updatedAt"; comparison: Comparison; time: Date }[];
  tags: string[];
  /** The customers' own properties. */
  properties: { [name: string]: string };
  /** `all`: community images of others too, which are otherwise not listed. */
  visibility: ImageVisibility | "all" | undefined;
  memberStatus: "pending" | "accepted" | "rejected" | "all";
  isProtected: boolean | undefined;
  isHidden: boolean;
};

export const SORT_KEYS = [
  "name",
  "status",
  "container_format",
  "disk_format",
  "size",
  "id",
  "created_at",
  "updated_at",
] as const;
export type SortKey = (typeof SORT_KEYS)[number];
export type Sort = { key: SortKey; descending: boolean }[];

const VISIBILITIES = ["community", "public", "private", "shared", "all"] as const;
const MEMBER_STATUSES = ["pending", "accepted", "rejected", "all"] as const;

/** Not filters: paging and order. */
const OTHER = new Set(["limit", "marker", "sort", "sort_key", "sort_dir", "member_status"]);

export function readFilters(query: Query): ImageFilters {
  const filters: ImageFilters = {
    oneOf: [],
    equal: [],
    equalNumber: [],
    size: [],
    times: [],
    tags: query.all("tag").map((tag) => tag.trim()),
    properties: {},
    visibility: undefined,
    memberStatus: readWord(query, "member_status", MEMBER_STATUSES) ?? "accepted",
    isProtected: undefined,
    isHidden: false,
  };
  for (const name of query.names()) {
    if (OTHER.has(name) || name === "tag") continue;
    addFilter(filters, name, query.get(name) ?? "", query);
  }
  return filters;
}

function addFilter(filters: ImageFilters, name: string, value: string, query: Query): void {
  switch (name) {
    case "id":
    case "name":
    case "status":
      filters.oneOf.push({ column: name, values: readList(value) });
      break;
    case "container_format":
      filters.oneOf.push({ column: "containerFormat", values: readList(value) });
      break;
    case "disk_format":
      filters.oneOf.push({ column: "diskFormat", values: readList(value) });
      break;
    case "owner":
      filters.equal.push({ column: "projectId", value });
      break;
    case "checksum":
      filters.equal.push({ column: "checksum", value });
      break;
    case "os_hash_value":
      filters.equal.push({ column: "sha512", value });
      break;
    default:
      addTypedFilter(filters, name, value, query);
  }
}

function addTypedFilter(filters: ImageFilters, name: string, value: string, query: Query): void {
  switch (name) {
    case "size":
      filters.size.push({ comparison: "eq", bytes: readSize(name, value) });
      break;
    case "size_min":
      filters.size.push({ comparison: "gte", bytes: readSize(name, value) });
      break;
    case "size_max":
      filters.size.push({ comparison: "lte", bytes: readSize(name, value) });
      break;
    case "min_disk":
      filters.equalNumber.push({ column: "minDisk", value: readSize(name, value) });
      break;
    case "min_ram":
      filters.equalNumber.push({ column: "minRam", value: readSize(name, value) });
      break;
    case "created_at":
      filters.times.push({ column: "createdAt", ...readTime(name, value) });
      break;
    case "updated_at":
      filters.times.push({ column: "updatedAt", ...readTime(name, value) });
      break;
    case "visibility":
      filters.visibility = readWord(query, "visibility", VISIBILITIES);
      break;
    case "protected":
      filters.isProtected = readFlag(name, value);
      break;
    case "os_hidden":
      filters.isHidden = readFlag(name, value);
      break;
    case "changes-since":
      throw invalid('The "changes-since" filter is no longer available on v2.');
    default:
      filters.properties[name] = value;
  }
}

function readWord<Word extends string>(query: Query, name: string, allowed: readonly Word[]): Word | undefined {
  const value = query.get(name);
  if (value === undefined) return undefined;
  const found = allowed.find((word) => word === value);
  if (found === undefined) throw invalid(`Invalid ${name} value: ${value}`, { field: name });
  return found;
}

function readFlag(name: string, value: string): boolean {
  const word = value.toLowerCase();
  if (word !== "true" && word !== "false") {
    throw invalid(`Invalid value '${value}' for '${name}' filter. Valid values are 'true' or 'false'.`, {
      field: name,
    });
  }
  return word === "true";
}

function readSize(name: string, value: string): number {
  if (!/^\d{1,15}$/.test(value))
    throw invalid(`Unable to filter on a range with a non-numeric value: ${name} '${value}'.`, { field: name });
  return Number(value);
}

/** `in:a,"b,c"` or one value, which may be written `eq:a`. */
function readList(value: string): string[] {
  if (value.startsWith("eq:")) return [value.slice(3)];
  if (!value.startsWith("in:")) return [value];
  const rest = value.slice(3);
  const parts = [...rest.matchAll(/(?:"((?:[^"\\]|\\.)*)"|([^",]*))(?:,|$)/gy)];
  const covered = parts.reduce((sum, part) => sum + part[0].length, 0);
  if (covered !== rest.length) throw invalid(`Invalid filter value ${rest}. The quote is not closed.`);
  const values = parts.map((part) => part[1]?.replaceAll(/\\(.)/g, "$1") ?? part[2]?.trim() ?? "");
  // the pattern also matches the empty end
  if (values.length > 1 && !rest.endsWith(",")) values.pop();
  return values;
}

const COMPARISONS: readonly Comparison[] = ["eq", "neq", "gt", "gte", "lt", "lte"];

function readTime(name: string, value: string): { comparison: Comparison; time: Date } {
  const prefix = /^([a-z]+):/.exec(value)?.[1];
  const comparison = prefix === undefined ? "eq" : COMPARISONS.find((known) => known === prefix);
  if (comparison === undefined)
    throw invalid(`Unable to filter by unknown operator '${prefix ?? ""}'.`, { field: name });
  const text = prefix === undefined ? value : value.slice(prefix.length + 1);
  const time = new Date(/[zZ]|[+-]\d\d:?\d\d$/.test(text) ? text : `${text}Z`);
  if (!/^\d{4}-\d\d-\d\d([T ]\d\d:\d\d)?/.test(text) || Number.isNaN(time.getTime())) {
    throw invalid(`Bad "${name}" query filter format. Use ISO 8601 DateTime notation.`, { field: name });
  }
  return { comparison, time };
}

/** Glance's order: newest first unless asked; the two syntaxes do not mix. */
export function readImageSort(query: Query): Sort {
  const asPairs = (): [string, string | undefined][] => {
    if (query.has("sort")) {
      if (query.has("sort_key") || query.has("sort_dir"))
        throw invalid("Old and new sorting syntax cannot be combined");
      return (query.get("sort") ?? "").split(",").map((part) => {
        const [key = "", direction] = part.trim().split(":");
        return [key.trim(), direction?.trim()];
      });
    }
    const directions = query.all("sort_dir");
    const keys = query.has("sort_key") ? query.all("sort_key") : ["created_at"];
    if (directions.length > 1 && directions.length !== keys.length)
      throw invalid("Number of sort dirs does not match the number of sort keys");
    return keys.map((key, index) => [key.trim(), (directions[index] ?? directions[0])?.trim()]);
  };
  const sort = asPairs().map(([key, direction]): Sort[number] => {
    const known = SORT_KEYS.find((name) => name === key);
    if (known === undefined)
      throw invalid(`Invalid sort key: ${key}. It must be one of the following: ${SORT_KEYS.join(", ")}.`);
    if (direction !== undefined && direction !== "asc" && direction !== "desc")
      throw invalid(`Invalid sort direction: ${direction}`);
    return { key: known, descending: direction !== "asc" };
  });
  if (sort.length > SORT_KEYS.length) throw invalid("Too many sort keys");
  // an order without ties, or paging would skip
  return sort.some(({ key }) => key === "id")
    ? sort
    : [...sort, { key: "id", descending: sort[0]?.descending ?? true }];
}
