/** How every list of this service is ordered and paged in SQL: by keys that the caller chose, then by age and id. */
import type postgres from "postgres";

import { notFound } from "@andromede/base/errors";
import type { Queryable } from "@andromede/platform/db/database";

import type { ListRequest, SortKey } from "./list-request.ts";

/** An expression over the table, and its type. Constants of ours, never a client's text. */
export type SortColumn = { expression: string; type: "text" | "timestamptz" | "bigint" | "boolean" };

/** A piece of SQL. */
export type Fragment = postgres.PendingQuery<postgres.Row[]>;

const CREATED: SortColumn = { expression: "created_at", type: "timestamptz" };
const ID: SortColumn = { expression: 'id collate "C"', type: "text" };

type OrderKey = SortColumn & { descending: boolean };

/** Ties are broken by age and id, in the direction of the first key. */
function orderKeys(sort: SortKey[], columns: { readonly [key: string]: SortColumn }): OrderKey[] {
  const descending = sort[0]?.descending ?? true;
  const named = sort.flatMap(({ key, descending: down }) => {
    const column = columns[key];
    return column === undefined ? [] : [{ ...column, descending: down }];
  });
  const keys = [...named];
  for (const last of [CREATED, ID]) {
    if (!keys.some(({ expression }) => expression === last.expression)) keys.push({ ...last, descending });
  }
  return keys;
}

const raw = (sql: Queryable, text: string): Fragment => (sql as postgres.Sql).unsafe(text) as unknown as Fragment;

/**
 * `order by ... limit ... offset` and the condition that begins after the marker. The table MUST be in scope under its own
 * name only, or the columns be unambiguous. Throws notFound for a marker that is not in the caller's scope.
 */
export async function pageOf(
  sql: Queryable,
  table: string,
  list: ListRequest,
  columns: { readonly [key: string]: SortColumn },
  missing: (marker: string) => string,
): Promise<{ after: Fragment; order: Fragment }> {
  const keys = orderKeys(list.sort, columns);
  const by = keys.map((key) => `${key.expression} ${key.descending ? "desc" : "asc"}`).join(", ");
  const order = sql`order by ${raw(sql, by)} limit ${list.limit} offset ${list.offset}`;
  if (list.marker === null) return { after: sql``, order };
  const picked = keys.map((key, index) => `(${key.expression})::text as k${index}`).join(", ");
  const [row] = await sql<{ [key: string]: string }[]>`
    select ${raw(sql, picked)} from ${raw(sql, table)}
    where id = ${list.marker} ${list.projectId === null ? sql`` : sql`and project_id = ${list.projectId}`}`;
  if (row === undefined) throw notFound(missing(list.marker));
  const values = keys.map((_key, index) => row[`k${index}`] ?? "");
  return { after: sql`and (${afterValues(sql, keys, values)})`, order };
}

/** Row comparison where all keys go the same way (an index can do that), else key by key. */
function afterValues(sql: Queryable, keys: OrderKey[], values: string[]): Fragment {
  const cast = (index: number): Fragment => sql`${values[index] ?? ""}::text::${raw(sql, keys[index]?.type ?? "text")}`;
  const list = (parts: Fragment[]): Fragment => parts.reduce((all, part) => sql`${all}, ${part}`);
  const first = keys[0];
  if (first !== undefined && keys.every(({ descending }) => descending === first.descending)) {
    const names = raw(sql, keys.map(({ expression }) => expression).join(", "));
    const bound = list(keys.map((_key, index) => cast(index)));
    return first.descending ? sql`(${names}) < (${bound})` : sql`(${names}) > (${bound})`;
  }
  return keys
    .map((key, index) => {
      const same = keys.slice(0, index).map((one, at) => sql`${raw(sql, one.expression)} = ${cast(at)} and`);
      const here = sql`${raw(sql, key.expression)} ${raw(sql, key.descending ? "<" : ">")} ${cast(index)}`;
      return sql`(${same.reduce((all, part) => sql`${all} ${part}`, sql``)} ${here})`;
    })
    .reduce((all, part) => sql`${all} or ${part}`);
}

/** `%text%`, with what is special in a pattern made plain. */
export const containing = (text: string): string => `%${text.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
