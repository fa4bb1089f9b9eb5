-- Volumes: types, quotas, volumes and what hangs on them. Their bytes are kept by host agents (docs/rfd/0009-volumes.md).
--
-- Locks are taken in this order: compute's (head of 0005-compute.sql), volume_group, volume_group_snapshot, volume (several:
-- by id), snapshot, backup, volume_attachment, volume_project, then the network's.

create table qos_specs (
  id text collate "C" primary key,
  name text not null unique,
  consumer text not null default 'back-end' check (consumer in ('front-end', 'back-end', 'both')),
  specs jsonb not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz
);

create table volume_type (
  id text collate "C" primary key,
  name text not null unique,
  description text,
  is_public boolean not null default true,
  extra_specs jsonb not null default '{}',
  qos_specs_id text collate "C" references qos_specs,
  -- what an operator said about encryption; null: as every volume
  encryption jsonb,
  created_at timestamptz not null default now(),
  updated_at timestamptz
);
create index volume_type_by_age on volume_type (created_at desc, id desc);
create index volume_type_of_qos on volume_type (qos_specs_id) where qos_specs_id is not null;

-- what volumes are of when nothing else is said
insert into volume_type (id, name, description) values
  ('0b5c1a52-3f5e-4b1c-9d0e-5a0f6d1c2e10', 'standard', 'Encrypted volumes on the cloud''s own disks');

-- projects that may use a type which is not public
create table volume_type_access (
  volume_type_id text collate "C" not null references volume_type on delete cascade,
  project_id text not null,
  primary key (volume_type_id, project_id)
);
create index volume_type_access_of_project on volume_type_access (project_id);

create table default_volume_type (
  project_id text collate "C" primary key,
  volume_type_id text collate "C" not null references volume_type
);
create index default_volume_type_by_type on default_volume_type (volume_type_id);

-- One row a project, made on first use: limits that differ from the defaults. Everything that counts in a quota passes
-- through this row, so racing creates take turns and can never exceed a limit.
create table volume_project (
  project_id text primary key,
  quota jsonb not null default '{}'
);

-- What is used, by the quota's name; of a type: `volumes_<type id>` and so on.
create table volume_usage (
  project_id text not null references volume_project on delete cascade,
  name text not null,
  used bigint not null default 0,
  primary key (project_id, name)
);

-- Limits for projects that have none of their own, and other classes of limits that somebody defined.
create table volume_quota_class (
  name text primary key,
  quota jsonb not null default '{}'
);

-- A host whose agent keeps volumes.
create table volume_host (
  name text collate "C" primary key,
  service_id text not null unique,
  availability_zone text not null default 'nova',
  disabled boolean not null default false,
  disabled_reason text,
  frozen boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz,
  -- below: written by reports only
  observed_pools jsonb not null default '[]',
  observed_at timestamptz,
  observed_lost_at timestamptz
);

-- What groups of volumes are of (microversion 3.11).
create table volume_group_type (
  id text collate "C" primary key,
  name text not null unique,
  description text,
  is_public boolean not null default true,
  group_specs jsonb not null default '{}',
  created_at timestamptz not null,
  updated_at timestamptz
);
create index volume_group_type_by_age on volume_group_type (created_at desc, id desc);

-- Volumes that a customer handles as one (microversion 3.13).
create table volume_group (
  id text collate "C" primary key,
  project_id text not null,
  user_id text not null,
  name text,
  description text,
  group_type_id text collate "C" not null references volume_group_type,
  availability_zone text not null,
  status text not null,
  -- what its first volumes were made from
  group_snapshot_id text,
  source_group_id text,
  created_at timestamptz not null,
  updated_at timestamptz
);
create index volume_group_of_project on volume_group (project_id, created_at desc, id desc);
create index volume_group_by_age on volume_group (created_at desc, id desc);
create index volume_group_of_type on volume_group (group_type_id);
create index volume_group_unsettled on volume_group (id) where status in ('creating', 'deleting');
-- who is being made from what
create index volume_group_from_snapshot on volume_group (group_snapshot_id) where status = 'creating';
create index volume_group_from_group on volume_group (source_group_id) where status = 'creating';

-- Types that the volumes of a group may be of.
create table volume_group_volume_type (
  group_id text collate "C" not null references volume_group on delete cascade,
  volume_type_id text collate "C" not null references volume_type,
  primary key (group_id, volume_type_id)
);
create index volume_group_volume_type_by_type on volume_group_volume_type (volume_type_id);

-- Snapshots of all volumes of a group (microversion 3.14).
create table volume_group_snapshot (
  id text collate "C" primary key,
  project_id text not null,
  user_id text not null,
  group_id text collate "C" not null references volume_group,
  group_type_id text collate "C" not null references volume_group_type,
  name text,
  description text,
  status text not null,
  created_at timestamptz not null,
  updated_at timestamptz
);
create index volume_group_snapshot_of_project on volume_group_snapshot (project_id, created_at desc, id desc);
create index volume_group_snapshot_by_age on volume_group_snapshot (created_at desc, id desc);
create index volume_group_snapshot_of_group on volume_group_snapshot (group_id);
create index volume_group_snapshot_of_type on volume_group_snapshot (group_type_id);
create index volume_group_snapshot_unsettled on volume_group_snapshot (id) where status in ('creating', 'deleting');

create table volume (
  id text collate "C" primary key,
  project_id text not null,
  user_id text not null,
  name text,
  description text,
  size_gib integer not null check (size_gib > 0),
  availability_zone text not null default 'nova',
  volume_type_id text collate "C" not null references volume_type,
  group_id text collate "C" references volume_group,
  status text not null,
  -- what to go back to when the task under way has ended
  previous_status text,
  bootable boolean not null default false,
  multiattach boolean not null default false,
  -- null: nobody said
  readonly boolean,
  metadata jsonb not null default '{}',
  image_metadata jsonb,
  migration_status text,
  consumes_quota boolean not null default true,
  snapshot_id text,
  source_volume_id text,
  source_backup_id text,
  -- the image it is made from, as the host needs it, and what is to be said of it then; null once it is made
  image jsonb,
  -- LUKS passphrase, wrapped by the project's key
  wrapped_key bytea not null,
  -- how the same key is named where OpenStack shows one
  key_id text not null,
  created_at timestamptz not null,
  updated_at timestamptz,
  -- the wanted state
  generation bigint not null default 1,
  revert_snapshot_id text,
  revert_nonce text,
  -- its bytes are to go first, and to be made anew from the image or the backup
  remake boolean not null default false,
  restore_backup_id text,
  deleting boolean not null default false,
  -- removes its snapshots too
  cascade boolean not null default false,
  -- when the task under way began; its deadline is counted from here
  task_since timestamptz not null,
  -- where its bytes are; given before an agent first hears of it
  pool text,
  fault text,
  -- below: written by reports only
  observed_generation bigint,
  observed_state text,
  observed_size_gib integer,
  observed_snapshots text[] not null default '{}',
  observed_revert_nonce text,
  observed_fault text,
  observed_gone boolean not null default false,
  observed_at timestamptz,
  -- is there something left to do, or to be heard?
  unsettled boolean not null generated always as (deleting or status in ('creating', 'downloading', 'extending', 'reverting', 'restoring-backup')
    or observed_generation is distinct from generation) stored
);
create index volume_of_project on volume (project_id, created_at desc, id desc);
create index volume_by_age on volume (created_at desc, id desc);
create index volume_of_type on volume (volume_type_id);
create index volume_of_group on volume (group_id) where group_id is not null;
create index volume_from_snapshot on volume (snapshot_id) where snapshot_id is not null;
create index volume_from_volume on volume (source_volume_id) where source_volume_id is not null;
create index volume_from_backup on volume (source_backup_id) where source_backup_id is not null;
-- what the resync looks at
create index volume_unsettled on volume (id) where unsettled;

create table snapshot (
  id text collate "C" primary key,
  project_id text not null,
  user_id text not null,
  volume_id text collate "C" not null references volume,
  group_snapshot_id text collate "C" references volume_group_snapshot,
  name text,
  description text,
  status text not null,
  size_gib integer not null,
  progress text not null default '0%',
  metadata jsonb not null default '{}',
  consumes_quota boolean not null default true,
  created_at timestamptz not null,
  updated_at timestamptz,
  -- is it in what the agent is told?
  wanted boolean not null default true,
  -- the volume's generation that first had, or no longer had it
  generation bigint not null,
  task_since timestamptz not null
);
create index snapshot_of_project on snapshot (project_id, created_at desc, id desc);
create index snapshot_by_age on snapshot (created_at desc, id desc);
create index snapshot_of_volume on snapshot (volume_id, created_at desc);
create index snapshot_of_group_snapshot on snapshot (group_snapshot_id) where group_snapshot_id is not null;

create table volume_attachment (
  id text collate "C" primary key,
  volume_id text collate "C" not null references volume,
  project_id text not null,
  -- null: attached to a host, not to a server
  server_id text,
  host text,
  device text,
  mode text not null default 'rw',
  status text not null check (status in ('reserved', 'attaching', 'attached', 'detaching')),
  connector jsonb,
  attached_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz
);
create index volume_attachment_of_volume on volume_attachment (volume_id);
create index volume_attachment_of_server on volume_attachment (server_id) where server_id is not null;
create index volume_attachment_of_project on volume_attachment (project_id, created_at desc, id desc);
create index volume_attachment_by_age on volume_attachment (created_at desc, id desc);

create table volume_transfer (
  id text collate "C" primary key,
  volume_id text collate "C" not null unique references volume on delete cascade,
  -- who gives
  project_id text not null,
  name text,
  salt text not null,
  secret_hash text not null,
  no_snapshots boolean not null default false,
  destination_project_id text,
  created_at timestamptz not null
);
create index volume_transfer_of_project on volume_transfer (project_id, created_at desc, id desc);
create index volume_transfer_by_age on volume_transfer (created_at desc, id desc);

create table backup (
  id text collate "C" primary key,
  project_id text not null,
  user_id text not null,
  volume_id text not null,
  snapshot_id text,
  parent_id text collate "C" references backup,
  name text,
  description text,
  container text not null default 'volumebackups',
  availability_zone text,
  status text not null,
  size_gib integer not null,
  metadata jsonb not null default '{}',
  fail_reason text,
  -- of the chain; wrapped by the project's key
  wrapped_key bytea not null,
  key_id text not null,
  data_timestamp timestamptz not null,
  created_at timestamptz not null,
  updated_at timestamptz,
  task_since timestamptz not null,
  deleting boolean not null default false,
  -- from a record: its bytes are there, or it is none
  imported boolean not null default false,
  -- the volume that it is being restored to
  restoring_volume_id text,
  -- whose hosts reach it, and which of them makes it; given before an agent first hears of it
  pool text,
  host text,
  -- below: written by reports only
  observed_state text,
  observed_stored_bytes bigint,
  observed_pieces integer,
  observed_progress integer,
  observed_fault text
);
create index backup_of_project on backup (project_id, created_at desc, id desc);
create index backup_by_age on backup (created_at desc, id desc);
create index backup_of_volume on backup (volume_id, created_at desc);
create index backup_of_parent on backup (parent_id) where parent_id is not null;
create index backup_restoring on backup (restoring_volume_id) where restoring_volume_id is not null;
create index backup_of_snapshot on backup (snapshot_id) where snapshot_id is not null;
create index backup_unsettled on backup (id) where deleting or status in ('creating', 'restoring');

-- A volume on its way to the image service.
create table volume_upload (
  id text collate "C" primary key,
  project_id text not null,
  volume_id text collate "C" not null references volume on delete cascade,
  image_id text not null,
  format text not null check (format in ('qcow2', 'raw')),
  host text,
  created_at timestamptz not null,
  -- below: written by reports only
  observed_state text,
  observed_size_bytes bigint,
  observed_fault text
);
create index volume_upload_of_volume on volume_upload (volume_id);
create index volume_upload_of_project on volume_upload (project_id);

-- What went wrong behind a request, in words for the customer (microversion 3.3).
create table volume_message (
  id text collate "C" primary key,
  project_id text not null,
  request_id text,
  resource_type text not null,
  resource_id text not null,
  event_id text not null,
  level text not null default 'ERROR',
  text text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null
);
create index volume_message_of_project on volume_message (project_id, created_at desc, id desc);
create index volume_message_old on volume_message (expires_at);
