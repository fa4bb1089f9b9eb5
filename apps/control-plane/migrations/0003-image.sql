-- Images: metadata here, bytes in files below the image store directory.

create table image (
  id text collate "C" primary key,
  name text,
  -- owner project; null only when an operator gave the image to nobody
  project_id text,
  visibility text not null check (visibility in ('public', 'private', 'shared', 'community')),
  -- `uploading`: bytes are being staged, or are staged and wait to be imported; `importing`: a task is on it;
  -- `deleting`: hidden from everybody, waits for the reconciler to remove its bytes
  status text not null check (status in ('queued', 'saving', 'uploading', 'importing', 'active', 'deactivated', 'deleting')),
  disk_format text,
  container_format text,
  min_disk integer not null default 0,
  min_ram integer not null default 0,
  protected boolean not null default false,
  os_hidden boolean not null default false,
  tags text[] not null default '{}',
  properties jsonb not null default '{}',
  size_bytes bigint,
  virtual_size_bytes bigint,
  -- md5 in hex, as Glance shows it; of large images it is computed after the upload was answered
  checksum text,
  sha512 text,
  -- why no server can boot it, in public words; null: nothing speaks against it
  unbootable text,
  -- names the file `<id>.<upload_id>`: an upload that failed and its successor never share a file
  upload_id text,
  -- an upload under way keeps this in the future; a dead process's upload is undone once it is past
  upload_until timestamptz,
  -- what an upload under way has been promised of the project's byte quota
  reserved_bytes bigint not null default 0,
  -- of bytes that wait to be imported
  staged_bytes bigint,
  staged_sha512 text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check ((status in ('active', 'deactivated')) <= (size_bytes is not null and sha512 is not null and upload_id is not null))
);
create index image_by_project on image (project_id, created_at desc, id desc);
create index image_by_visibility on image (visibility, created_at desc, id desc);
create index image_by_creation on image (created_at desc, id desc);
create index image_unsettled on image (id) where status in ('saving', 'uploading', 'deleting') or (checksum is null and sha512 is not null);
create index image_tags on image using gin (tags);
create index image_by_upload on image (upload_id) where upload_id is not null;

create table image_member (
  image_id text collate "C" not null references image on delete cascade,
  member_id text collate "C" not null,
  status text not null default 'pending' check (status in ('pending', 'accepted', 'rejected')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (image_id, member_id)
);
create index image_member_by_member on image_member (member_id, status);

-- Work on an image that goes on after the answer.
create table image_task (
  id text collate "C" primary key,
  image_id text collate "C" not null references image on delete cascade,
  project_id text,
  user_id text,
  request_id text not null,
  status text not null default 'pending' check (status in ('pending', 'processing', 'success', 'failure')),
  -- what was asked for, as it was asked
  input jsonb not null,
  -- why it failed, in public words
  message text not null default '',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  -- unfinished: when it is given up; finished: when it is forgotten
  expires_at timestamptz not null
);
create index image_task_by_image on image_task (image_id, created_at desc);
create index image_task_by_creation on image_task (created_at desc, id desc);
create index image_task_by_end on image_task (expires_at);
create index image_task_unfinished on image_task (id) where status in ('pending', 'processing');

-- one row a project that ever uploaded: locked while its bytes are counted, so racing uploads cannot exceed the quota
create table image_quota (
  project_id text primary key,
  max_bytes bigint
);

-- Metadata definitions: catalogs of what properties of images, flavors and the like may be and mean.
create table metadef_namespace (
  namespace text collate "C" primary key,
  project_id text,
  display_name text,
  description text,
  visibility text not null default 'private' check (visibility in ('public', 'private')),
  protected boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index metadef_namespace_by_project on metadef_namespace (project_id);

create table metadef_item (
  namespace text collate "C" not null references metadef_namespace (namespace) on delete cascade on update cascade,
  kind text not null check (kind in ('object', 'property', 'tag', 'resource_type')),
  name text collate "C" not null,
  body jsonb not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (namespace, kind, name)
);
create index metadef_item_by_kind on metadef_item (kind, name);
