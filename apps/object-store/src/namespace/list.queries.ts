/** Pages of listings, by index alone. */
import type { Queryable } from "@andromede/platform/db/database";

import type { Span } from "./names.ts";
import type { ListedObject } from "./namespace.ts";
import type { ObjectDetails } from "./object.model.ts";

export type ListedRow = Omit<ListedObject, "owner" | "slo" | "symlink" | "isLatest"> & {
  details: ObjectDetails | null;
  /** `key` is what the keys of this entry begin with. */
  isPrefix: boolean;
};

/**
 * A page is one row, its columns a list each: a thousand rows cost PostgreSQL and us twice as much. `rest` are of each entry its
 * sequence, size, time, flags, ETag and version id: none of them ever has a blank.
 */
type PageRow = {
  keys: string[] | null;
  rest: string | null;
  types: string[];
  /** Of those whose flags say so, in order. */
  details: ObjectDetails[] | null;
};

const CURRENT = 1;
const DELETE_MARKER = 2;
const PREFIX = 4;
const DETAILED = 8;
const WORDS = 6;

/** Few have anything in their details that a listing shows: only those are sent. */
const SHOWN = "details ?| '{owner,slo,symlink}'";
const DETAILS = `case when ${SHOWN} then 8 else 0 end`;

/** Expressions: what is known of all entries costs nothing to say. */
const FLAGS = {
  current: `(1 + ${DETAILS})`,
  versions: `(is_current::int + is_delete_marker::int * 2 + ${DETAILS})`,
  rolled: `(is_prefix::int * 4 + is_current::int + is_delete_marker::int * 2 + ${DETAILS})`,
};

const page = (sql: Queryable, flags: keyof typeof FLAGS) => sql`
  json_agg(key) as keys, json_agg(content_type) as types, json_agg(details) filter (where ${sql.unsafe(SHOWN)}) as details,
  string_agg(sequence || ' ' || size || ' ' || (date_part('epoch', modified_at) * 1000)::bigint || ' ' || ${sql.unsafe(FLAGS[flags])} || ' '
    || etag || ' ' || version_id, ' ') as rest`;

function toRows(row: PageRow | undefined): ListedRow[] {
  if (row === undefined || row.keys === null) return [];
  const words = (row.rest ?? "").split(" ");
  let detailed = 0;
  return row.keys.map((key, index) => {
    const at = index * WORDS;
    const flags = Number(words[at + 3]);
    return {
      key,
      sequence: Number(words[at]),
      size: Number(words[at + 1]),
      etag: words[at + 4] ?? "",
      contentType: row.types[index] ?? "",
      modifiedAt: new Date(Number(words[at + 2])),
      versionId: words[at + 5] ?? "",
      isCurrent: (flags & CURRENT) !== 0,
      isDeleteMarker: (flags & DELETE_MARKER) !== 0,
      details: (flags & DETAILED) === 0 ? null : (row.details?.[detailed++] ?? null),
      isPrefix: (flags & PREFIX) !== 0,
    };
  });
}

/** What is current. */
export async function listCurrent(
  sql: Queryable,
  containerId: number,
  { low, high }: Span,
  options: { reverse: boolean; limit: number; now: Date },
): Promise<ListedRow[]> {
  const { now, limit } = options;
  const [row] = options.reverse
    ? await sql<PageRow[]>`
        select ${page(sql, "current")} from (
          select * from object
          where container_id = ${containerId} and is_current and key >= ${low} and key < ${high}
            and (delete_at is null or delete_at > ${now})
          order by key desc limit ${limit}) o`
    : await sql<PageRow[]>`
        select ${page(sql, "current")} from (
          select * from object
          where container_id = ${containerId} and is_current and key >= ${low} and key < ${high}
            and (delete_at is null or delete_at > ${now})
          order by key limit ${limit}) o`;
  return toRows(row);
}

/** Every version, the newest of a key first. */
export async function listAllVersions(
  sql: Queryable,
  containerId: number,
  { low, high }: Span,
  limit: number,
): Promise<ListedRow[]> {
  const [row] = await sql<PageRow[]>`
    select ${page(sql, "versions")} from (
      select * from object
      where container_id = ${containerId} and key >= ${low} and key < ${high}
      order by key, sequence desc limit ${limit}) o`;
  return toRows(row);
}

/** Those of one key that are older than a sequence. */
export async function listOlderVersions(
  sql: Queryable,
  containerId: number,
  key: string,
  before: number,
  limit: number,
): Promise<ListedRow[]> {
  const [row] = await sql<PageRow[]>`
    select ${page(sql, "versions")} from (
      select * from object
      where container_id = ${containerId} and key = ${key} and sequence < ${before}
      order by sequence desc limit ${limit}) o`;
  return toRows(row);
}

/** With keys rolled up behind a delimiter: see the migration. */
export async function listRolledUp(
  sql: Queryable,
  containerId: number,
  { low, high }: Span,
  options: {
    prefixLength: number;
    delimiter: string;
    delimiterEnd: string | null;
    skip: string | null;
    reverse: boolean;
    versions: boolean;
    limit: number;
    now: Date;
  },
): Promise<ListedRow[]> {
  const [row] = await sql<PageRow[]>`
    select ${page(sql, "rolled")}
    from object_list(${containerId}, ${options.now}, ${low}, ${high}, ${options.prefixLength}, ${options.delimiter},
      ${options.delimiterEnd}, ${options.skip}, ${options.reverse}, ${options.versions}, ${options.limit})`;
  return toRows(row);
}
