-- Object storage: containers (S3's buckets), objects and where their bytes lie. docs/rfd/0011-object-store.md
--
-- Advisory locks come before rows, in this order: the container's (shared by who writes objects, alone for who changes or
-- deletes it), its or its account's quota, the key's. apps/object-store/src/namespace/locks.queries.ts

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
  pack_offset bigint,
  primary key (container_id, key, sequence)
);
create unique index object_current on object (container_id, key) where is_current;
-- versions are looked for by their ids; a container without versioning has no row in either
create unique index object_version on object (container_id, key, version_id) where version_id <> 'null';
create index object_null_version on object (container_id, key) where version_id = 'null' and not is_current;
-- what object lock may protect
create index object_locked on object (container_id, key, sequence) where details ?| '{retention,legalHold}';
create index object_of_pack on object (pack_id) where pack_id is not null;
create index object_by_end on object (delete_at) where delete_at is not null;

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
