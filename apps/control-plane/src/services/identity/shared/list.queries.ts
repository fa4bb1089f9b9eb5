import type { Queryable } from "@andromede/platform/db/database";

import type { ListFilter } from "./list-filter.ts";

/** Conditions that every named resource's list shares. */
export function listConditions(sql: Queryable, filter: Pick<ListFilter, "name" | "marker">) {
  const { name, marker } = filter;
  const byName =
    name === undefined
      ? sql``
      : "exact" in name
        ? sql`and name = ${name.exact}`
        : name.caseless
          ? sql`and name ilike ${name.like}`
          : sql`and name like ${name.like}`;
  return sql`${byName} ${marker === undefined ? sql`` : sql`and id > ${marker}`}`;
}
