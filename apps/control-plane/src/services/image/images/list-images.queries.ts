/** The list of images: filters, order and pages in one statement. */
import type { Queryable } from "@andromede/platform/db/database";
import type postgres from "postgres";

import { isAdmin } from "../../../http/policy.ts";
import type { Comparison, ImageFilters, Sort, SortKey } from "./image-filters.ts";
import type { Image } from "./image.model.ts";
import type { Who } from "./image.queries.ts";

type Fragment = postgres.PendingQuery<postgres.Row[]>;

/** Without nulls, so that comparing rows means what ordering means. */
const sortColumn = (sql: Queryable, key: SortKey, table: "image" | "at") => {
  const from = sql(table);
  switch (key) {
    case "name":
      return sql`coalesce(${from}.name, '') collate "C"`;
    case "status":
      return sql`${from}.status collate "C"`;
    case "container_format":
      return sql`coalesce(${from}.container_format, '') collate "C"`;
    case "disk_format":
      return sql`coalesce(${from}.disk_format, '') collate "C"`;
    case "size":
      return sql`coalesce(${from}.size_bytes, -1)`;
    case "id":
      return sql`${from}.id`;
    case "created_at":
      return sql`${from}.created_at`;
    case "updated_at":
      return sql`${from}.updated_at`;
  }
};

const and = (sql: Queryable, parts: Fragment[]): Fragment =>
  parts.reduce((all, part, index) => (index === 0 ? part : sql`${all} and ${part}`), sql`true`);
const or = (sql: Queryable, parts: Fragment[]): Fragment =>
  parts.reduce((all, part, index) => (index === 0 ? part : sql`${all} or ${part}`), sql`false`);

/** Rows that come after the marker's in the given order; the marker's own values are read where they are exact. */
function afterMarker(sql: Queryable, sort: Sort, marker: string): Fragment {
  const alternatives = sort.map(({ key, descending }, index) => {
    const equal = sort
      .slice(0, index)
      .map((one) => sql`${sortColumn(sql, one.key, "image")} = ${sortColumn(sql, one.key, "at")}`);
    const [here, there] = [sortColumn(sql, key, "image"), sortColumn(sql, key, "at")];
    return sql`(${and(sql, [...equal, descending ? sql`${here} < ${there}` : sql`${here} > ${there}`])})`;
  });
  return sql`exists (select 1 from image at where at.id = ${marker} and (${or(sql, alternatives)}))`;
}

function order(sql: Queryable, sort: Sort): Fragment {
  const parts = sort.map(({ key, descending }) => {
    const column = sortColumn(sql, key, "image");
    return descending ? sql`${column} desc` : sql`${column} asc`;
  });
  return parts.reduce((all, part, index) => (index === 0 ? part : sql`${all}, ${part}`), sql``);
}

const compare = (sql: Queryable, column: Fragment, comparison: Comparison, value: number | Date): Fragment => {
  switch (comparison) {
    case "eq":
      return sql`${column} = ${value}`;
    case "neq":
      return sql`${column} <> ${value}`;
    case "gt":
      return sql`${column} > ${value}`;
    case "gte":
      return sql`${column} >= ${value}`;
    case "lt":
      return sql`${column} < ${value}`;
    case "lte":
      return sql`${column} <= ${value}`;
  }
};

/**
 * What a list shows of what there is: own images, public ones, and those shared with the project and answered as
 * `member_status` says. Community images of others only when asked for by their visibility.
 */
function scope(sql: Queryable, who: Who, filters: ImageFilters): Fragment {
  const own = sql`project_id = ${who.actor.projectId}`;
  const { visibility } = filters;
  const wanted = visibility === undefined || visibility === "all" ? sql`true` : sql`visibility = ${visibility}`;
  const community = visibility === undefined ? sql`(visibility <> 'community' or ${own})` : sql`true`;
  if (isAdmin(who.actor, who.plane)) return and(sql, [wanted, community]);
  const status = filters.memberStatus === "all" ? sql`true` : sql`status = ${filters.memberStatus}`;
  const member = sql`select image_id from image_member where member_id = ${who.actor.projectId} and ${status}`;
  if (visibility === "community" || visibility === "all") {
    return and(sql, [
      wanted,
      sql`(${own} or visibility in ('public', 'community') or (visibility = 'shared' and id in (${member})))`,
    ]);
  }
  // by what there is to see, and not by filtering what everybody has: the cost is the project's own
  const seen = sql`id = any(array(
    select id from image where project_id = ${who.actor.projectId}
    union select id from image where visibility = 'public'
    union ${member}))`;
  return and(sql, [wanted, community, sql`(${own} or visibility <> 'private')`, seen]);
}

function conditions(sql: Queryable, filters: ImageFilters): Fragment[] {
  const snake = {
    id: "id",
    name: "name",
    status: "status",
    containerFormat: "container_format",
    diskFormat: "disk_format",
  } as const;
  const single = { projectId: "project_id", checksum: "checksum", sha512: "sha512" } as const;
  const numbers = { minDisk: "min_disk", minRam: "min_ram" } as const;
  const times = { createdAt: "created_at", updatedAt: "updated_at" } as const;
  return [
    sql`status <> 'deleting'`,
    sql`os_hidden = ${filters.isHidden}`,
    ...filters.oneOf.map(({ column, values }) => sql`${sql(snake[column])} = any(${values})`),
    ...filters.equal.map(({ column, value }) => sql`${sql(single[column])} = ${value}`),
    ...filters.equalNumber.map(({ column, value }) => sql`${sql(numbers[column])}::bigint = ${value}`),
    ...filters.size.map(({ comparison, bytes }) => compare(sql, sql`size_bytes`, comparison, bytes)),
    // to the second, which is all that clients are shown
    ...filters.times.map(({ column, comparison, time }) =>
      compare(sql, sql`date_trunc('second', ${sql(times[column])})`, comparison, time),
    ),
    ...(filters.tags.length === 0 ? [] : [sql`tags @> ${filters.tags}`]),
    ...(Object.keys(filters.properties).length === 0 ? [] : [sql`properties @> ${sql.json(filters.properties)}`]),
    ...(filters.isProtected === undefined ? [] : [sql`protected = ${filters.isProtected}`]),
  ];
}

type Page = { sort: Sort; limit: number; marker: string | undefined };

export function listImages(sql: Queryable, who: Who, filters: ImageFilters, page: Page): Promise<Image[]> {
  return imageListStatement(sql, who, filters, page) as unknown as Promise<Image[]>;
}

/** The statement itself, which a test has explained. */
export function imageListStatement(sql: Queryable, who: Who, filters: ImageFilters, page: Page): Fragment {
  const where = [...conditions(sql, filters), scope(sql, who, filters)];
  if (page.marker !== undefined) where.push(afterMarker(sql, page.sort, page.marker));
  return sql`
    select id, name, project_id, visibility, status, disk_format, container_format, min_disk, min_ram, protected, os_hidden, tags,
      properties, size_bytes, virtual_size_bytes, checksum, sha512, unbootable, upload_id, created_at, updated_at
    from image where ${and(sql, where)} order by ${order(sql, page.sort)} limit ${page.limit}`;
}
