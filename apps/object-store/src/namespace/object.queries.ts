/** Every statement on objects but listings. */
import type { Queryable } from "@andromede/platform/db/database";

import type { Chunk } from "../bytes/byte-store.ts";
import type { Container, Usage } from "./container.model.ts";
import type { ObjectDetails, StoredObject } from "./object.model.ts";
import type { Version } from "./version.model.ts";

type ObjectRow = Omit<StoredObject, "metadata" | "details" | "pack"> & {
  metadata: StoredObject["metadata"] | null;
  details: ObjectDetails | null;
  packId: number | null;
  packOffset: number | null;
};

const columns = (sql: Queryable) => sql`
  o.container_id, o.key, o.sequence, o.version_id, o.is_current, o.is_delete_marker, o.size, o.etag, o.content_type,
  o.modified_at, o.delete_at, o.metadata, o.details, o.pack_id, o.pack_offset`;

function toObject({ metadata, details, packId, packOffset, ...row }: ObjectRow): StoredObject {
  return {
    ...row,
    metadata: metadata ?? {},
    details: details ?? {},
    pack: packId === null ? null : { id: packId, offset: packOffset ?? 0 },
  };
}

/** An object's columns beside another table's; all null: there is none. */
export type ObjectColumns = {
  [Name in keyof Omit<ObjectRow, "containerId" | "key" | "isCurrent" | "isDeleteMarker">]: ObjectRow[Name] | null;
};

export const objectColumns = (sql: Queryable) => sql`
  o.sequence, o.version_id, o.size, o.etag, o.content_type, o.modified_at, o.delete_at, o.metadata, o.details, o.pack_id,
  o.pack_offset`;

/** What is current under a key. */
export function objectOf(containerId: number, key: string, row: ObjectColumns): StoredObject | null {
  if (row.sequence === null) return null;
  const { sequence, versionId, size, etag, contentType, modifiedAt, deleteAt, metadata, details, packId, packOffset } =
    row;
  const read = {
    sequence,
    versionId,
    size,
    etag,
    contentType,
    modifiedAt,
    deleteAt,
    metadata,
    details,
    packId,
    packOffset,
  };
  // the row is there, so its columns are
  return toObject({ ...(read as ObjectRow), containerId, key, isCurrent: true, isDeleteMarker: false });
}

export async function findCurrent(sql: Queryable, containerId: number, key: string): Promise<StoredObject | null> {
  const [row] = await sql<ObjectRow[]>`
    select ${columns(sql)} from object o where container_id = ${containerId} and key = ${key} and is_current`;
  return row === undefined ? null : toObject(row);
}

export async function findVersion(
  sql: Queryable,
  containerId: number,
  key: string,
  versionId: string,
): Promise<StoredObject | null> {
  // said twice, so that the index of versions, which has no null versions, is known to serve
  const rows =
    versionId === "null"
      ? await sql<ObjectRow[]>`
          select * from (
            (select ${columns(sql)} from object o
              where container_id = ${containerId} and key = ${key} and is_current and version_id = 'null')
            union all
            (select ${columns(sql)} from object o
              where container_id = ${containerId} and key = ${key} and version_id = 'null' and not is_current)
          ) o limit 1`
      : await sql<ObjectRow[]>`
          select ${columns(sql)} from object o
          where container_id = ${containerId} and key = ${key} and version_id = ${versionId} and version_id <> 'null'`;
  return rows[0] === undefined ? null : toObject(rows[0]);
}

export async function findNewest(sql: Queryable, containerId: number, key: string): Promise<StoredObject | null> {
  const [row] = await sql<ObjectRow[]>`
    select ${columns(sql)} from object o where container_id = ${containerId} and key = ${key}
    order by sequence desc limit 1`;
  return row === undefined ? null : toObject(row);
}

/** One version, held until the transaction ends. */
export async function findBySequence(
  sql: Queryable,
  containerId: number,
  key: string,
  sequence: number,
): Promise<StoredObject | null> {
  const [row] = await sql<ObjectRow[]>`
    select ${columns(sql)} from object o
    where container_id = ${containerId} and key = ${key} and sequence = ${sequence}`;
  return row === undefined ? null : toObject(row);
}

export async function updateObjectRow(sql: Queryable, object: StoredObject): Promise<void> {
  await sql`
    update object set metadata = ${orNull(sql, object.metadata)}, details = ${orNull(sql, object.details)},
      content_type = ${object.contentType}, delete_at = ${object.deleteAt}, modified_at = ${object.modifiedAt}
    where container_id = ${object.containerId} and key = ${object.key} and sequence = ${object.sequence}`;
}

/** Most objects have neither: null takes no room. */
const orNull = (sql: Queryable, value: object) => (Object.keys(value).length === 0 ? null : sql.json(value as never));

/** Chunks of a body that hold anything of `start` to before `end`. */
export async function listChunks(
  sql: Queryable,
  owner: number,
  { start, end }: { start: number; end: number },
): Promise<Chunk[]> {
  return sql<Chunk[]>`
    select writer_id, encode(address, 'hex') as address, start, bytes, sealed_bytes from object_chunk
    where owner = ${owner} and start < ${end} and start + bytes > ${start} order by start`;
}

/** What a container is, and what it and its account may hold, for who is about to write. */
export type WriteState = Pick<Container, "id" | "projectId" | "name" | "settings" | "quotaBytes" | "quotaObjects"> & {
  accountQuotaBytes: number | null;
  accountQuotaObjects: number | null;
};

/** null: it is not there any more. */
export async function findWriteState(sql: Queryable, containerId: number): Promise<WriteState | null> {
  const [row] = await sql<WriteState[]>`
    select c.id, c.project_id, c.name, c.settings, c.quota_bytes, c.quota_objects,
      a.quota_bytes as account_quota_bytes, a.quota_objects as account_quota_objects
    from object_container c join object_account a on a.project_id = c.project_id
    where c.id = ${containerId} and c.removed_at is null`;
  return row ?? null;
}

/** A writer that was ended may have lost its bytes to the collector: nothing of it counts any more. */
export async function isAlive(sql: Queryable, writerId: number): Promise<boolean> {
  const rows = await sql`select 1 from object_writer where id = ${writerId} and ended_at is null`;
  return rows.length > 0;
}

export type KeyVersion = Version & { key: string };

/** Of each key what a plan needs: the two newest, the current one, the null version, and the one named with it (or ''). */
export async function listPlanVersions(
  sql: Queryable,
  containerId: number,
  keys: readonly string[],
  versionIds: readonly string[],
): Promise<KeyVersion[]> {
  const one = sql`o.key, o.sequence, o.version_id, o.is_current, o.is_delete_marker, o.size, o.etag, o.modified_at, o.delete_at,
    o.details -> 'retention' as retention, (o.details -> 'legalHold')::boolean as legal_hold, o.pack_id is not null as packed`;
  return sql<KeyVersion[]>`
    select distinct on (key, sequence) v.* from unnest(${keys}::text[], ${versionIds}::text[]) as named (key, version_id)
    cross join lateral (
      (select ${one} from object o where o.container_id = ${containerId} and o.key = named.key
        order by o.sequence desc limit 2)
      union all
      (select ${one} from object o where o.container_id = ${containerId} and o.key = named.key and o.is_current)
      union all
      (select ${one} from object o where o.container_id = ${containerId} and o.key = named.key
        and o.version_id = 'null' and not o.is_current)
      union all
      (select ${one} from object o where o.container_id = ${containerId} and o.key = named.key
        and o.version_id = named.version_id and o.version_id <> 'null')
    ) v`;
}

export async function nextSequences(sql: Queryable, count: number): Promise<number[]> {
  const rows = await sql<{ sequence: number }[]>`
    select nextval('object_sequence') as sequence from generate_series(1, ${count})`;
  return rows.map(({ sequence }) => sequence);
}

/** Several keys' rows at once, in the order in which the index of what is current allows it. */
export type RowChanges = {
  containerId: number;
  remove: { key: string; sequence: number }[];
  /** Of those removed: their bytes are in chunks. */
  chunked: number[];
  demote: { key: string; sequence: number }[];
  promote: { key: string; sequence: number }[];
  insert: StoredObject[];
  now: Date;
};

/** Sent without waiting for answers. */
export function changeRows(sql: Queryable, changes: RowChanges): Promise<unknown>[] {
  const { containerId, now } = changes;
  const sent: Promise<unknown>[] = [];
  const named = (rows: { key: string; sequence: number }[]) => sql`
    (select * from unnest(${rows.map(({ key }) => key)}::text[], ${rows.map(({ sequence }) => sequence)}::int8[]))`;
  if (changes.remove.length > 0)
    sent.push(
      sql`delete from object where container_id = ${containerId} and (key, sequence) in ${named(changes.remove)}`.execute(),
    );
  if (changes.chunked.length > 0) sent.push(freeChunks(sql, changes.chunked, now));
  if (changes.demote.length > 0)
    sent.push(
      sql`update object set is_current = false
        where container_id = ${containerId} and (key, sequence) in ${named(changes.demote)}`.execute(),
    );
  if (changes.promote.length > 0)
    sent.push(
      sql`update object set is_current = true
        where container_id = ${containerId} and (key, sequence) in ${named(changes.promote)}`.execute(),
    );
  if (changes.insert.length > 0) sent.push(insertObjects(sql, changes.insert));
  return sent;
}

function insertObjects(sql: Queryable, objects: StoredObject[]): Promise<unknown> {
  const rows = objects.map((object) => ({
    container_id: object.containerId,
    key: object.key,
    sequence: object.sequence,
    version_id: object.versionId,
    is_current: object.isCurrent,
    is_delete_marker: object.isDeleteMarker,
    size: object.size,
    etag: object.etag,
    content_type: object.contentType,
    modified_at: object.modifiedAt,
    delete_at: object.deleteAt,
    metadata: noneIfEmpty(object.metadata),
    details: noneIfEmpty(object.details),
    pack_id: object.pack?.id ?? null,
    pack_offset: object.pack?.offset ?? null,
  }));
  return sql`
    insert into object (container_id, key, sequence, version_id, is_current, is_delete_marker, size, etag, content_type,
      modified_at, delete_at, metadata, details, pack_id, pack_offset)
    select * from json_to_recordset(${JSON.stringify(rows)}::text::json) as row (container_id bigint, key text,
      sequence bigint, version_id text, is_current boolean, is_delete_marker boolean, size bigint, etag text,
      content_type text, modified_at timestamptz, delete_at timestamptz, metadata jsonb, details jsonb, pack_id bigint,
      pack_offset bigint)`.execute();
}

export const noneIfEmpty = <Value extends object>(value: Value): Value | null =>
  Object.keys(value).length === 0 ? null : value;

/** Nobody's any more: the collector's after its grace. */
export const freeChunks = (sql: Queryable, owners: number[], now: Date): Promise<unknown> =>
  sql`update object_chunk set owner = null, garbage_at = ${now} where owner = any(${owners}::int8[])`.execute();

export const insertChunks = (sql: Queryable, owner: number, chunks: Chunk[]): Promise<unknown> =>
  sql`
    insert into object_chunk (writer_id, address, owner, start, bytes, sealed_bytes)
    select writer, decode(address, 'hex'), ${owner}, start, bytes, sealed
    from unnest(${chunks.map((chunk) => chunk.writerId)}::int8[], ${chunks.map((chunk) => chunk.address)}::text[],
      ${chunks.map((chunk) => chunk.start)}::int8[], ${chunks.map((chunk) => chunk.bytes)}::int8[],
      ${chunks.map((chunk) => chunk.sealedBytes)}::int8[]) as one (writer, address, start, bytes, sealed)`.execute();

export const addUsage = (sql: Queryable, containerId: number, { objects, bytes }: Usage): Promise<unknown> =>
  sql`select object_count(${containerId}::bigint, ${objects}::bigint, ${bytes}::bigint)`.execute();

/** Removes what has come to its end in a container that holds nothing else. */
export async function deleteEnded(sql: Queryable, containerId: number, now: Date): Promise<void> {
  await sql`
    with gone as (
      delete from object where container_id = ${containerId} and is_current and delete_at <= ${now} returning sequence
    ) update object_chunk set owner = null, garbage_at = ${now} where owner in (select sequence from gone)`;
}

/** One deletion, as the function object_change_plain takes it. */
export type PlainDeletion = { c: number; k: string; gone: true };
/** One write. */
export type PlainPut = {
  c: number;
  k: string;
  s: number;
  e: string;
  t: string;
  d: Date | null;
  m: object | null;
  x: object | null;
  p: number | null;
  o: number | null;
  chunks: { w: number; a: string; s: number; b: number; z: number }[] | null;
};

/** See the migration. null: a writer was ended. */
export async function changePlain(
  sql: Queryable,
  writers: number[],
  now: Date,
  items: (PlainPut | PlainDeletion)[],
): Promise<(number | null)[] | null> {
  const [row] = await sql<{ sequences: (number | null)[] | null }[]>`
    select object_change_plain(${writers}::int8[], ${now}, ${JSON.stringify(items)}::text::json) as sequences`;
  return row?.sequences ?? null;
}
