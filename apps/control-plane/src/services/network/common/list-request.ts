/** What a list was asked for: filters on any attribute, tags, sorting, a page, fields. Pure. */
import { invalid } from "@andromede/base/errors";

import type { Query } from "../../../http/service.ts";

/** Where an attribute is kept. `special` ones are turned into SQL by the resource's own queries. */
export type Attribute =
  | { column: string; kind: "text" | "boolean" | "integer" | "array" | "time" | "address" }
  /** Is it open to this project, or (false) is it not? */
  | { column: string; kind: "sharing"; viewer: string }
  | { kind: "special" };
export type Attributes = { readonly [wireName: string]: Attribute };

export type Filter = {
  name: string;
  column: string;
  kind: "text" | "boolean" | "integer" | "array" | "address" | "sharing";
  values: string[];
  viewer?: string;
};
export type ListRequest = {
  filters: Filter[];
  special: { name: string; values: string[] }[];
  tags: { all: string[]; any: string[]; notAll: string[]; notAny: string[] };
  changedSince: Date | undefined;
  sort: { column: string; descending: boolean }[];
  limit: number | undefined;
  marker: string | undefined;
  reverse: boolean;
  fields: string[];
};

const CONTROL = new Set([
  "fields",
  "limit",
  "marker",
  "page_reverse",
  "sort_key",
  "sort_dir",
  "tags",
  "tags-any",
  "not-tags",
  "not-tags-any",
  "changed_since",
]);
const TRUE = new Set(["true", "1", "yes", "on", "t", "y"]);
const FALSE = new Set(["false", "0", "no", "off", "f", "n"]);
const INT4 = 2_147_483_647;

/** Refuses attributes the resource does not have (extension filter-validation) and values that cannot be. */
export function readListRequest(query: Query, attributes: Attributes): ListRequest {
  const filters: Filter[] = [];
  const special: ListRequest["special"] = [];
  const unknown = query.names().filter((name) => !CONTROL.has(name) && attributeOf(attributes, name) === undefined);
  if (unknown.length > 0) {
    throw invalid(`${JSON.stringify(unknown)} is invalid attribute for filtering`, { type: "HTTPBadRequest" });
  }
  for (const name of query.names()) {
    const attribute = attributeOf(attributes, name);
    if (CONTROL.has(name) || attribute === undefined) continue;
    const values = query.all(name);
    if (attribute.kind === "special") special.push({ name, values });
    else if (attribute.kind === "sharing") {
      const words = values.map((value) => booleanWord(name, value));
      filters.push({ name, column: attribute.column, kind: "sharing", values: words, viewer: attribute.viewer });
    } else if (attribute.kind === "time") throw invalid(`${name} is invalid attribute for filtering`);
    else filters.push(toFilter(name, attribute.column, attribute.kind, values));
  }
  return {
    filters,
    special,
    tags: {
      all: words(query, "tags"),
      any: words(query, "tags-any"),
      notAll: words(query, "not-tags"),
      notAny: words(query, "not-tags-any"),
    },
    changedSince: readTime(query),
    sort: readSort(query, attributes),
    limit: readLimit(query),
    marker: query.get("marker"),
    reverse: (query.get("page_reverse") ?? "false").toLowerCase() === "true",
    fields: query.all("fields").filter((field) => field !== ""),
  };
}

/** Names come from clients: `constructor` is none of the attributes. */
const attributeOf = (attributes: Attributes, name: string): Attribute | undefined =>
  Object.hasOwn(attributes, name) ? attributes[name] : undefined;

const words = (query: Query, name: string): string[] =>
  query
    .all(name)
    .flatMap((value) => value.split(","))
    .filter((word) => word !== "");

function toFilter(name: string, column: string, kind: Filter["kind"], values: string[]): Filter {
  if (kind === "boolean") {
    return { name, column, kind, values: values.map((value) => booleanWord(name, value)) };
  }
  if (kind === "integer") {
    for (const value of values) {
      if (!/^-?\d{1,10}$/.test(value) || Math.abs(Number(value)) > INT4) {
        throw invalid(`Invalid input for operation: '${value}' is not an integer.`, { field: name });
      }
    }
  }
  return { name, column, kind, values };
}

function booleanWord(name: string, value: string): "true" | "false" {
  const word = value.toLowerCase();
  if (TRUE.has(word)) return "true";
  if (FALSE.has(word)) return "false";
  throw invalid(`Invalid input for operation: '${value}' cannot be converted to boolean for ${name}.`, { field: name });
}

function readTime(query: Query): Date | undefined {
  const text = query.get("changed_since");
  if (text === undefined) return undefined;
  const time = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d+)?Z?$/.test(text)
    ? new Date(`${text.replace(" ", "T").replace(/Z$/, "")}Z`)
    : null;
  if (time === null || Number.isNaN(time.getTime())) {
    throw invalid(`Invalid input for changed_since: '${text}' is not a time of the form 2024-01-02T03:04:05`, {
      field: "changed_since",
    });
  }
  return time;
}

function readSort(query: Query, attributes: Attributes): ListRequest["sort"] {
  const keys = query.all("sort_key");
  const directions = query.all("sort_dir");
  if (keys.length !== directions.length && directions.length > 0) {
    throw invalid("The number of sort_keys and sort_dirs must be same");
  }
  return keys.map((key, index) => {
    const attribute = attributeOf(attributes, key);
    if (
      attribute === undefined ||
      attribute.kind === "special" ||
      attribute.kind === "array" ||
      attribute.kind === "sharing"
    ) {
      throw invalid(`[${JSON.stringify(key)}] is invalid attribute for sort_keys`, { field: "sort_key" });
    }
    const direction = directions[index] ?? "asc";
    if (direction !== "asc" && direction !== "desc") {
      throw invalid(`Invalid input for operation: sort_dir must be 'asc' or 'desc', not '${direction}'`, {
        field: "sort_dir",
      });
    }
    return { column: attribute.column, descending: direction === "desc" };
  });
}

function readLimit(query: Query): number | undefined {
  const text = query.get("limit");
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text))
    throw invalid(`Limit must be an integer 0 or greater and not '${text}'`, { field: "limit" });
  return text === "0" ? undefined : Number(text);
}
