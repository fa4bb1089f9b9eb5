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

/** What one cell of a page is: in this order, so that a page is one value and not thousands. */
type Cells = [string, number, number, string, string, number, string, boolean, boolean, ObjectDetails | null];

/** Reading a thousand rows costs more than one text with all of them, and PostgreSQL less to write it. */
const toRow = ([key, sequence, size, etag, contentType, modifiedMs, versionId, isCurrent, isDeleteMarker, details]: Cells) => ({
  key,
  sequence,
  size,
  etag,
  contentType,
  modifiedAt: new Date(modifiedMs),
  versionId,
  isCurrent,
  isDeleteMarker,
  details,
  isPrefix: false,
});

const cells = (sql: Queryable) => sql`
  json_build_array(key, sequence, size, etag, content_type, extract(epoch from modified_at) * 1000, version_id, is_current,
    is_delete_marker, details)`;

type PageRow = { page: Cells[] | null };

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
        select json_agg(cells) as page from (
          select ${cells(sql)} as cells from object
          where container_id = ${containerId} and is_current and key >= ${low} and key < ${high}
            and (delete_at is null or delete_at > ${now})
          order by key desc limit ${limit}) o`
    : await sql<PageRow[]>`
        select json_agg(cells) as page from (
          select ${cells(sql)} as cells from object
          where container_id = ${containerId} and is_current and key >= ${low} and key < ${high}
            and (delete_at is null or delete_at > ${now})
          order by key limit ${limit}) o`;
  return (row?.page ?? []).map(toRow);
}

/** Every version, the newest of a key first. */
export async function listAllVersions(
  sql: Queryable,
  containerId: number,
  { low, high }: Span,
  limit: number,
): Promise<ListedRow[]> {
  const [row] = await sql<PageRow[]>`
    select json_agg(cells) as page from (
      select ${cells(sql)} as cells from object
      where container_id = ${containerId} and key >= ${low} and key < ${high}
      order by key, sequence desc limit ${limit}) o`;
  return (row?.page ?? []).map(toRow);
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
    select json_agg(cells) as page from (
      select ${cells(sql)} as cells from object
      where container_id = ${containerId} and key = ${key} and sequence < ${before}
      order by sequence desc limit ${limit}) o`;
  return (row?.page ?? []).map(toRow);
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
  return sql<ListedRow[]>`
    select is_prefix, key, sequence, size, etag, content_type, modified_at, version_id, is_current, is_delete_marker, details
    from object_list(${containerId}, ${options.now}, ${low}, ${high}, ${options.prefixLength}, ${options.delimiter},
      ${options.delimiterEnd}, ${options.skip}, ${options.reverse}, ${options.versions}, ${options.limit})`;
}
