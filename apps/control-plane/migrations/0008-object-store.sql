-- Object storage: containers (S3's buckets), objects and where their bytes lie. docs/rfd/0011-object-store.md
--
-- Advisory locks come before rows, in this order: the container's (shared by who writes objects, alone for who changes or
-- deletes it), an upload's, keys', the account's and the container's quota. apps/object-store/src/namespace/locks.queries.ts

-- One row a project that has used object storage.
create table object_account (
  project_id text collate "C" primary key,
  -- X-Account-Meta-*, by lower-case name
  metadata jsonb not null default '{}',
  quota_bytes bigint check (quota_bytes >= 0),
  quota_objects bigint check (quota_objects >= 0),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table object_container (
  id bigint generated always as identity primary key,
  project_id text collate "C" not null references object_account,
  name text collate "C" not null,
  -- the name in S3's one name space, if it was still free
  global_name text collate "C" unique,
  -- 32 bytes, wrapped by the project's key; named `object-container/<id of the name>`: see wrapped_name
  wrapped_key bytea not null,
  -- what the key was wrapped as: it is made before the row has a number
  wrapped_name text not null,
  -- X-Container-Meta-*, by lower-case name
  metadata jsonb not null default '{}',
  -- ACLs, versioning, policy, lifecycle, CORS and so on: container.model.ts says what there may be
  settings jsonb not null default '{}',
  quota_bytes bigint check (quota_bytes >= 0),
  quota_objects bigint check (quota_objects >= 0),
  created_by text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  -- a purge has begun to empty it: it is not there any more for anybody
  removed_at timestamptz,
  -- when its lifecycle was last seen to
  lifecycle_at timestamptz,
  unique (project_id, name)
);
create index object_container_with_lifecycle on object_container (lifecycle_at nulls first, id)
  where settings ? 'lifecycle' and removed_at is null;

-- Keys that a project's objects are sealed with by name (SSE-KMS).
create table object_key (
  project_id text collate "C" not null,
  name text collate "C" not null,
  -- 32 bytes, wrapped by the project's key as `object-key/<name>`
  wrapped_key bytea not null,
  created_at timestamptz not null default now(),
  primary key (project_id, name)
);

-- What a container holds, all versions: the sum of its rows. Each connection counts in a row of its own.
create table object_usage (
  container_id bigint not null references object_container on delete cascade,
  slot smallint not null,
  objects bigint not null default 0,
  bytes bigint not null default 0,
  -- of uploads that are not complete: quotas count them, nothing else does
  part_bytes bigint not null default 0,
  primary key (container_id, slot)
) with (fillfactor = 50);

create sequence object_sequence;

create table object (
  container_id bigint not null,
  key text collate "C" not null,
  -- of this version, in the order of writing; owns chunks
  sequence bigint not null,
  -- 'null', or what S3 calls a version id
  version_id text collate "C" not null,
  -- what plain requests see; never a delete marker: where one is the newest, no row of the key is current
  is_current boolean not null,
  is_delete_marker boolean not null default false,
  size bigint not null,
  -- as on the wire, without quotes
  etag text not null,
  content_type text not null,
  modified_at timestamptz not null,
  -- Swift's X-Delete-At, or none
  delete_at timestamptz,
  -- user metadata by lower-case name
  metadata jsonb,
  -- headers to answer with, checksums, tags, retention, manifest, encryption: object.model.ts says what there may be
  details jsonb,
  -- where a small body lies; null: in chunks, or nowhere when size is 0
  pack_id bigint,
  pack_offset bigint
);
-- the newest version of a key first
create unique index object_by_key on object (container_id, key, sequence desc);
create unique index object_current on object (container_id, key) where is_current;
-- versions are looked for by their ids; a container without versioning has no row in either
create unique index object_version on object (container_id, key, version_id) where version_id <> 'null';
create index object_null_version on object (container_id, key) where version_id = 'null' and not is_current;
-- what object lock may protect
create index object_locked on object (container_id, key, sequence) where details ?| '{retention,legalHold}';
create index object_of_pack on object (pack_id, pack_offset) where pack_id is not null;
create index object_by_end on object (delete_at) where delete_at is not null and is_current;

create table object_upload (
  id text collate "C" primary key,
  container_id bigint not null references object_container,
  key text collate "C" not null,
  initiated_by text not null,
  initiated_at timestamptz not null default now(),
  content_type text not null,
  metadata jsonb,
  details jsonb
);
create index object_upload_of_container on object_upload (container_id, key, id);
create index object_upload_by_age on object_upload (container_id, initiated_at, id);

create table object_part (
  upload_id text collate "C" not null references object_upload on delete cascade,
  number integer not null check (number between 1 and 10000),
  -- owns chunks, as an object's
  sequence bigint not null,
  size bigint not null,
  etag text not null,
  checksums jsonb,
  modified_at timestamptz not null default now(),
  primary key (upload_id, number)
);

-- Worker processes that write bytes. What a dead one wrote and did not commit is removed by its number.
create table object_writer (
  id bigint generated always as identity primary key,
  started_at timestamptz not null default now(),
  -- a commit of this writer's fails from here on
  ended_at timestamptz,
  -- nothing of it is left that no row names
  swept_at timestamptz
);
create index object_writer_unswept on object_writer (id) where swept_at is null;

create table object_chunk (
  writer_id bigint not null,
  -- 32 bytes: SHA-256 over the tags and checksums of its blocks
  address bytea not null,
  -- sequence of the object or part it belongs to; null: nobody's any more
  owner bigint,
  -- first byte of the owner's that it holds
  start bigint not null,
  bytes bigint not null,
  sealed_bytes bigint not null,
  garbage_at timestamptz,
  -- when its checksums were last seen to be right
  scrubbed_at timestamptz not null default now(),
  primary key (writer_id, address)
);
create index object_chunk_of_owner on object_chunk (owner, start) where owner is not null;
create index object_chunk_garbage on object_chunk (garbage_at) where garbage_at is not null;
create index object_chunk_by_scrub on object_chunk (scrubbed_at) where garbage_at is null;

create table object_pack (
  id bigint generated always as identity primary key,
  writer_id bigint not null references object_writer,
  -- null while it is appended to
  sealed_bytes bigint,
  scrubbed_at timestamptz not null default now(),
  garbage_at timestamptz
);
create index object_pack_by_scrub on object_pack (scrubbed_at) where garbage_at is null;
create index object_pack_of_writer on object_pack (writer_id);

-- What the scrub found, until it is mended or deleted.
create table object_damage (
  -- `pack/<id>` or `chunk/<writer>/<address in hex>`
  place text collate "C" primary key,
  found_at timestamptz not null default now(),
  detail text not null
);

-- Server access logs on their way: lines of requests, kept until they are an object in the bucket that they go to.
create table object_access_log (
  id bigint generated always as identity primary key,
  -- the container that the requests were for: a log is of one
  container_id bigint not null,
  project_id text collate "C" not null,
  bucket text not null,
  -- its setting when they came: where they go, and under which name
  logging jsonb not null,
  -- of the requests (UTC): a log may be asked to be of one day
  day date not null,
  lines text not null,
  bytes integer not null,
  logged_at timestamptz not null default now(),
  -- the key of the object that it was decided to be part of
  delivery text
);
create index object_access_log_by_delivery on object_access_log (delivery) where delivery is not null;

-- Metering: what went through the doors, by hour.
create table object_traffic (
  project_id text collate "C" not null,
  hour timestamptz not null,
  reads bigint not null default 0,
  writes bigint not null default 0,
  bytes_in bigint not null default 0,
  bytes_out bigint not null default 0,
  primary key (project_id, hour)
);

-- Functions that save flights: several statements each, one answer. What they decide is decided nowhere else.

-- The numbers that advisory locks go by, beside their classes: 1868720739 (containers), 1868720740 (keys), see locks.queries.ts.
create function object_container_lock(container_id bigint) returns integer language sql immutable parallel safe
  return (container_id & 2147483647)::integer;
create function object_key_lock(container_id bigint, key text) returns integer language sql immutable parallel safe
  return (hashtextextended(key, container_id) & 2147483647)::integer;

-- Commits writes and deletions (`gone`) in containers without versioning, quotas and events for each object: what needs no plan.
-- `items` MUST be sorted by container and name no key twice. Gives of each the sequence that was written or deleted; 0: there
-- was nothing to delete; null: not one of these, nothing was done for it. An array that is null altogether: a writer was ended,
-- nothing was done at all.
create function object_change_plain(writers bigint[], at timestamptz, items json) returns bigint[] language plpgsql as $$
declare
  item record;
  old record;
  container bigint;
  plain boolean;
  sequences bigint[] := '{}';
  number bigint;
  more_objects bigint := 0;
  more_bytes bigint := 0;
begin
  perform pg_advisory_xact_lock_shared(1868720739, l) from (
    select distinct object_container_lock((i ->> 'c')::bigint) as l from json_array_elements(items) as i order by 1) as locks;
  perform pg_advisory_xact_lock(1868720740, l) from (
    select distinct object_key_lock((i ->> 'c')::bigint, i ->> 'k') as l from json_array_elements(items) as i order by 1) as locks;
  if (select count(*) from object_writer where id = any(writers) and ended_at is null) < cardinality(writers) then
    return null;
  end if;
  for item in select * from json_to_recordset(items) as i(c bigint, k text, s bigint, e text, t text, d timestamptz, m jsonb,
      x jsonb, p bigint, o bigint, chunks json, gone boolean) loop
    if container is distinct from item.c then
      if more_objects <> 0 or more_bytes <> 0 then perform object_count(container, more_objects, more_bytes); end if;
      container := item.c;
      more_objects := 0;
      more_bytes := 0;
      select a.quota_bytes is null and a.quota_objects is null and c.quota_bytes is null and c.quota_objects is null
        and c.removed_at is null and not c.settings ?| '{versioning,objectLock,objectEvents}'
      into plain from object_container c join object_account a on a.project_id = c.project_id where c.id = item.c;
    end if;
    if plain is not true then
      sequences := sequences || null::bigint;
      continue;
    end if;
    delete from object where container_id = item.c and key = item.k and is_current
      returning sequence, size, pack_id, delete_at into old;
    if found then
      more_bytes := more_bytes - old.size;
      if old.pack_id is null and old.size > 0 then
        update object_chunk set owner = null, garbage_at = at where owner = old.sequence;
      end if;
      more_objects := more_objects - 1;
    end if;
    if item.gone then
      sequences := sequences || case when old.sequence is null or old.delete_at <= at then 0 else old.sequence end;
      continue;
    end if;
    more_objects := more_objects + 1;
    more_bytes := more_bytes + item.s;
    insert into object (container_id, key, sequence, version_id, is_current, size, etag, content_type, modified_at, delete_at,
      metadata, details, pack_id, pack_offset)
    values (item.c, item.k, nextval('object_sequence'), 'null', true, item.s, item.e, item.t, at, item.d,
      item.m, item.x, item.p, item.o)
    returning sequence into number;
    if item.chunks is not null then
      insert into object_chunk (writer_id, address, owner, start, bytes, sealed_bytes)
      select w, decode(a, 'hex'), number, s, b, z
      from json_to_recordset(item.chunks) as i(w bigint, a text, s bigint, b bigint, z bigint);
    end if;
    sequences := sequences || number;
  end loop;
  if more_objects <> 0 or more_bytes <> 0 then perform object_count(container, more_objects, more_bytes); end if;
  return sequences;
end $$;

-- Adds to what a container holds, in this connection's row.
create function object_count(container bigint, more_objects bigint, more_bytes bigint) returns void language plpgsql as $$
begin
  update object_usage set objects = objects + more_objects, bytes = bytes + more_bytes
  where container_id = container and slot = pg_backend_pid() % 16;
  if not found then
    insert into object_usage as u (container_id, slot, objects, bytes)
    values (container, pg_backend_pid() % 16, more_objects, more_bytes)
    on conflict (container_id, slot) do update set objects = u.objects + more_objects, bytes = u.bytes + more_bytes;
  end if;
end $$;

-- The same for the parts of uploads.
create function object_count_parts(container bigint, more_bytes bigint) returns void language sql as $$
  insert into object_usage as u (container_id, slot, part_bytes) values (container, pg_backend_pid() % 16, more_bytes)
  on conflict (container_id, slot) do update set part_bytes = u.part_bytes + more_bytes
$$;

-- A page of a listing with a delimiter: what is current, or every version (by key, the newest first), from `low` to before
-- `high`. A key with the delimiter behind the prefix gives what it begins with, and all others that begin so are skipped by one
-- probe of the index. `skip`: such a beginning that the page before ended with. `delimiter_end`: the delimiter, its last
-- character by one greater.
create function object_list(container bigint, at timestamptz, low text, high text, prefix_length integer, delimiter text,
  delimiter_end text, skip text, backwards boolean, versions boolean, most integer)
returns table (is_prefix boolean, key text, sequence bigint, version_id text, is_current boolean, is_delete_marker boolean,
  size bigint, etag text, content_type text, modified_at timestamptz, details jsonb) language plpgsql stable
  -- its statements are the same for all: planned once, and never but by index
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off as $$
declare
  item record;
  place integer;
  jumped boolean;
begin
  while most > 0 loop
    jumped := false;
    for item in
      (select o.* from object o where not backwards and not versions and o.container_id = container and o.is_current
        and o.key >= low collate "C" and o.key < high collate "C" and (o.delete_at is null or o.delete_at > at)
        order by o.key limit most)
      union all
      (select o.* from object o where backwards and not versions and o.container_id = container and o.is_current
        and o.key >= low collate "C" and o.key < high collate "C" and (o.delete_at is null or o.delete_at > at)
        order by o.key desc limit most)
      union all
      (select o.* from object o where versions and o.container_id = container
        and o.key >= low collate "C" and o.key < high collate "C"
        order by o.key, o.sequence desc limit most)
    loop
      place := position(delimiter in substr(item.key, prefix_length + 1));
      if place = 0 then
        is_prefix := false;
        key := item.key; sequence := item.sequence; version_id := item.version_id; is_current := item.is_current;
        is_delete_marker := item.is_delete_marker; size := item.size; etag := item.etag;
        content_type := item.content_type; modified_at := item.modified_at; details := item.details;
        most := most - 1;
        return next;
        continue;
      end if;
      key := left(item.key, prefix_length + place + length(delimiter) - 1);
      if key is distinct from skip then
        is_prefix := true;
        sequence := 0; version_id := ''; is_current := false; is_delete_marker := false; size := 0; etag := '';
        content_type := ''; modified_at := at; details := null;
        most := most - 1;
        return next;
      end if;
      skip := key;
      if backwards then high := key;
      else low := coalesce(left(key, -length(delimiter)) || delimiter_end, item.key || E'\x01');
      end if;
      jumped := true;
      exit;
    end loop;
    exit when not jumped;
  end loop;
end $$;
