/** The parts of a list's SQL that all resources share. The table's alias is always `t`. */
import type postgres from "postgres";

import { notFound } from "@andromede/base/errors";
import type { Queryable } from "@andromede/platform/db/database";

import type { Filter, ListRequest } from "./list-request.ts";

export type Fragment = postgres.PendingQuery<postgres.Row[]>;

export const nothing = (sql: Queryable): Fragment => sql``;

/** ` and ...` for each filter. */
export function filtersOf(sql: Queryable, request: ListRequest): Fragment[] {
  const parts = request.filters.map((filter) => filterOf(sql, filter));
  const { all, any, notAll, notAny } = request.tags;
  if (all.length > 0) parts.push(sql`and t.tags @> ${all}::text[]`);
  if (any.length > 0) parts.push(sql`and t.tags && ${any}::text[]`);
  if (notAll.length > 0) parts.push(sql`and not t.tags @> ${notAll}::text[]`);
  if (notAny.length > 0) parts.push(sql`and not t.tags && ${notAny}::text[]`);
  if (request.changedSince !== undefined) parts.push(sql`and t.updated_at >= ${request.changedSince}`);
  return parts.length === 0 ? [nothing(sql)] : parts;
}

function filterOf(sql: Queryable, { column, kind, values, viewer = "" }: Filter): Fragment {
  const name = sql(`t.${column}`);
  const [only = ""] = values;
  switch (kind) {
    case "text":
      // one value keeps the index's order, which `any` gives up
      return values.length === 1 ? sql`and ${name} = ${only}` : sql`and ${name} = any(${values}::text[])`;
    case "integer":
      return sql`and ${name} = any(${values.map(Number)}::integer[])`;
    case "boolean":
      return values.includes("true") && values.includes("false") ? nothing(sql) : sql`and ${name} = ${only === "true"}`;
    case "sharing": {
      if (values.includes("true") && values.includes("false")) return nothing(sql);
      const shared = sql`${name} && array['*', ${viewer}]::text[]`;
      return only === "true" ? sql`and ${shared}` : sql`and not ${shared}`;
    }
    case "array":
      return sql`and ${name} && ${values}::text[]`;
    case "address":
      return sql`and ${name}::text = any(${values}::text[])`;
  }
}

/**
 * The values that a page starts behind; undefined: it starts at the beginning. `seen`: the list's own condition on who
 * sees what, since a marker that the asker may not see would tell by the page that follows it what it is called.
 * A fragment is thenable, so this comes by itself.
 */
export async function findMarker(
  sql: Queryable,
  table: string,
  seen: Fragment,
  request: ListRequest,
): Promise<Marker | undefined> {
  if (request.marker === undefined) return undefined;
  const columns = orderColumns(request);
  const [row] = await sql<{ [column: string]: string | null }[]>`
    select ${columns.map(({ column }, index) => sql`${index === 0 ? nothing(sql) : sql`,`} t.${sql(column)}::text as ${sql(`c${index}`)}`)}
    from ${sql(table)} t where t.id = ${request.marker} and ${seen}`;
  if (row === undefined) throw notFound(`Invalid marker: ${request.marker} could not be found.`);
  return { table, id: request.marker, values: columns.map((_, index) => row[`c${index}`] ?? null) };
}

export type Marker = { table: string; id: string; values: (string | null)[] };

/** ` and ...` so that the page starts behind (or, reversed, before) the marker. */
export function afterMarker(sql: Queryable, request: ListRequest, marker: Marker | undefined): Fragment {
  if (marker === undefined) return nothing(sql);
  const columns = orderColumns(request);
  // (a, b, c) after (x, y, z) where each may run its own way: a after x, or a = x and b after y, or ...
  const steps = columns.map(({ column, descending }, index) => {
    const equal = columns
      .slice(0, index)
      .map((before, at) => sql`coalesce(t.${sql(before.column)}::text, '') = ${marker.values[at] ?? ""} and`);
    return sql`${index === 0 ? nothing(sql) : sql`or`} (${equal.length === 0 ? nothing(sql) : equal} ${afterValue(sql, marker, column, descending)})`;
  });
  return sql`and (${steps})`;
}

function afterValue(sql: Queryable, marker: Marker, column: string, descending: boolean): Fragment {
  const name = sql(`t.${column}`);
  if (column === "id") return descending ? sql`${name} < ${marker.id}` : sql`${name} > ${marker.id}`;
  const value = sql`(select m.${sql(column)} from ${sql(marker.table)} m where m.id = ${marker.id})`;
  // nulls come last going up and first going down, as `order by` has them
  return descending
    ? sql`(${name} < ${value} or (${name} is not null and ${value} is null))`
    : sql`(${name} > ${value} or (${name} is null and ${value} is not null))`;
}

function orderColumns(request: ListRequest): { column: string; descending: boolean }[] {
  const columns = request.sort.some(({ column }) => column === "id")
    ? request.sort
    : [...request.sort, { column: "id", descending: false }];
  return request.reverse ? columns.map(({ column, descending }) => ({ column, descending: !descending })) : columns;
}

/** `order by ... limit ...`. The id makes the order total. */
export function orderOf(sql: Queryable, request: ListRequest): Fragment {
  const parts = orderColumns(request).map(
    ({ column, descending }, index) =>
      sql`${index === 0 ? nothing(sql) : sql`,`} t.${sql(column)} ${descending ? sql`desc` : sql`asc`}`,
  );
  return sql`order by ${parts} ${request.limit === undefined ? nothing(sql) : sql`limit ${request.limit}`}`;
}

/** A reversed page is read backwards; the customer gets it in the list's own order. */
export const inOrder = <Row>(request: ListRequest, rows: Row[]): Row[] => (request.reverse ? rows.toReversed() : rows);
