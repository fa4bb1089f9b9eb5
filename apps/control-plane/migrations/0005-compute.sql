-- Compute: flavors, keypairs, quotas, hosts, servers and what hangs on a server. Interfaces are the network service's ports.
--
-- Locks are taken in this order: server_group, compute_project, compute_host, server, then the volume service's, then the
-- network's (head of 0004-network.sql).

create table flavor (
  id text collate "C" primary key,
  number bigint generated always as identity,
  name text not null unique,
  vcpus integer not null check (vcpus > 0),
  ram_mib integer not null check (ram_mib > 0),
  disk_gib integer not null check (disk_gib >= 0),
  ephemeral_gib integer not null default 0 check (ephemeral_gib >= 0),
  swap_mib integer not null default 0 check (swap_mib >= 0),
  rxtx_factor double precision not null default 1,
  is_public boolean not null default true,
  disabled boolean not null default false,
  description text,
  extra_specs jsonb not null default '{}',
  created_at timestamptz not null,
  updated_at timestamptz
);

-- projects that may use a flavor which is not public
create table flavor_access (
  flavor_id text collate "C" not null references flavor on delete cascade,
  project_id text not null,
  primary key (flavor_id, project_id)
);
create index flavor_access_of_project on flavor_access (project_id, flavor_id);

create table keypair (
  user_id text not null,
  name text collate "C" not null,
  number bigint generated always as identity,
  type text not null check (type in ('ssh', 'x509')),
  public_key text not null,
  fingerprint text not null,
  created_at timestamptz not null,
  primary key (user_id, name)
);

-- One row a project, made on first use: limits that differ from the defaults, and what is used. Every server that comes
-- or goes passes through this row, so racing creates take turns and can never exceed a limit.
create table compute_project (
  project_id text primary key,
  quota jsonb not null default '{}',
  used_servers integer not null default 0 check (used_servers >= 0),
  used_cores integer not null default 0 check (used_cores >= 0),
  used_ram_mib bigint not null default 0 check (used_ram_mib >= 0)
);

create table compute_host (
  name text collate "C" primary key,
  number bigint generated always as identity,
  hypervisor_id text not null,
  service_id text not null unique,
  availability_zone text not null default 'nova',
  disabled boolean not null default false,
  disabled_reason text,
  disabled_at timestamptz,
  -- an operator's word that it is down, whatever its agent says
  forced_down boolean not null default false,
  -- what servers here were promised; a claim is one guarded update of this row
  claimed_servers integer not null default 0 check (claimed_servers >= 0),
  claimed_vcpus integer not null default 0 check (claimed_vcpus >= 0),
  claimed_memory_mib bigint not null default 0 check (claimed_memory_mib >= 0),
  claimed_disk_gib bigint not null default 0 check (claimed_disk_gib >= 0),
  created_at timestamptz not null default now(),
  -- below: written by reports only
  observed_vcpus integer not null default 0,
  observed_memory_mib integer not null default 0,
  observed_disk_gib integer not null default 0,
  observed_hostname text not null default '',
  observed_backend text not null default '',
  observed_accelerator text not null default 'none',
  observed_accelerator_reason text,
  observed_chassis text,
  observed_at timestamptz,
  observed_lost_at timestamptz
);

-- The same decisions as server.model.ts, for filters and indexes; a test compares the two over every combination.
create function server_vm_state(power text, launched boolean, fault boolean, state text, rebooting boolean, fault_counts boolean,
  task_vm_state text, mode text)
returns text language sql immutable parallel safe as $$
  select case
    when fault or fault_counts then 'error'
    when task_vm_state is not null then task_vm_state
    when mode <> 'ordinary' then mode
    when not launched then 'building'
    when state = 'running' then 'active'
    when state = 'paused' then 'paused'
    when state = 'suspended' then 'suspended'
    when state = 'failed' then 'error'
    when state in ('preparing', 'starting') and rebooting then 'active'
    else 'stopped'
  end $$;

create function server_task_state(power text, launched boolean, fault boolean, state text, reboot_kind text, rebooting boolean,
  fault_counts boolean, at_rest boolean, deleting boolean, placed boolean, task text, mode text)
returns text language sql immutable parallel safe as $$
  select case
    when deleting then 'deleting'
    when fault or fault_counts then null
    when task is not null then task
    when mode <> 'ordinary' then null
    when not launched then case when not placed then 'scheduling' when state is null then 'networking' else 'spawning' end
    when rebooting then case when reboot_kind = 'hard' then 'rebooting_hard' else 'rebooting' end
    when at_rest or state = power then null
    when power = 'running' then case state when 'paused' then 'unpausing' when 'suspended' then 'resuming' else 'powering-on' end
    when power = 'paused' then 'pausing'
    when power = 'suspended' then 'suspending'
    else 'powering-off'
  end $$;

create function server_status(vm_state text, task_state text)
returns text language sql immutable parallel safe as $$
  select case vm_state
    when 'building' then 'BUILD'
    when 'active' then case
      when task_state = 'rebooting' then 'REBOOT'
      when task_state = 'rebooting_hard' then 'HARD_REBOOT'
      when task_state = 'rebuilding' then 'REBUILD'
      when task_state in ('resize_prep', 'resize_migrating', 'resize_finish') then 'RESIZE'
      else 'ACTIVE' end
    when 'stopped' then case
      when task_state = 'rebuilding' then 'REBUILD'
      when task_state in ('resize_prep', 'resize_migrating', 'resize_finish') then 'RESIZE'
      else 'SHUTOFF' end
    when 'paused' then 'PAUSED'
    when 'suspended' then 'SUSPENDED'
    when 'rescued' then 'RESCUE'
    when 'resized' then case when task_state = 'resize_reverting' then 'REVERT_RESIZE' else 'VERIFY_RESIZE' end
    when 'shelved' then 'SHELVED'
    when 'shelved_offloaded' then 'SHELVED_OFFLOADED'
    when 'soft-delete' then 'SOFT_DELETED'
    else case when task_state = 'rebuilding' then 'REBUILD' else 'ERROR' end
  end $$;

create table server (
  id text collate "C" primary key,
  number bigint generated always as identity,
  project_id text not null,
  user_id text not null,
  name text not null,
  hostname text not null,
  description text,
  flavor_id text not null,
  -- the flavor as it was: later changes of the flavor do not reach the server
  flavor jsonb not null,
  -- '': its root disk is a volume
  image_id text not null,
  -- what the host needs to fetch and verify it; null: the same
  image jsonb,
  key_name text,
  key_type text,
  public_key text,
  access_ip_v4 text,
  access_ip_v6 text,
  config_drive boolean not null default false,
  disk_config text not null default 'MANUAL',
  user_data text,
  metadata jsonb not null default '{}',
  tags text[] not null default '{}',
  -- wrapped by the key tree
  admin_password bytea,
  seed text not null,
  -- asked for; host and zone given are below
  wanted_zone text,
  wanted_host text,
  scheduler_hints jsonb not null default '{}',
  reservation_id text not null,
  launch_index integer not null default 0,
  locked_by text check (locked_by in ('owner', 'admin')),
  locked_reason text,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  -- the wanted state
  power text not null default 'running' check (power in ('running', 'paused', 'stopped', 'suspended')),
  power_nonce text not null,
  generation bigint not null default 1,
  -- the generation that last said something about power: older observations say nothing about it
  power_generation bigint not null default 1,
  reboot_kind text check (reboot_kind in ('soft', 'hard')),
  reboot_nonce text,
  -- when the task under way began; its deadline is counted from here
  task_since timestamptz not null,
  deleting boolean not null default false,
  -- a longer change under way (server-tasks.ts): its name, what it is at, and the state it began in
  task text,
  task_step text check (task_step in ('stop', 'copy', 'place', 'apply', 'offload', 'image', 'reimage')),
  task_vm_state text,
  -- what it is besides running or not, until somebody says otherwise
  mode text not null default 'ordinary' check (mode in ('ordinary', 'rescued', 'resized', 'shelved', 'shelved_offloaded', 'soft-delete')),
  mode_since timestamptz,
  -- of a resize: the new flavor until the guest has it, the old one from then on
  other_flavor_id text,
  other_flavor jsonb,
  -- of a migration: the host that also has its guest, and is promised its room
  other_host text,
  other_disk_image jsonb,
  -- disks do not shrink: its root disk has been made as large as this
  root_gib integer not null default 0,
  -- a new one makes the root disk anew
  disk_nonce text,
  ephemeral_nonce text,
  -- what its root disk was made from, when that is not its image (SHELVED, migrated)
  disk_image jsonb,
  -- of a rebuild: the image that the volume it boots from is to be made anew from; null: it stays as it is
  reimage_id text,
  -- the image it is rescued with, how, and the password
  rescue jsonb,
  -- made of its disk when it was shelved; goes when it is back
  shelved_image_id text,
  -- given by the scheduler
  host text collate "C",
  availability_zone text,
  -- why it is in ERROR, when that is the control plane's finding
  fault_code integer,
  fault_message text,
  fault_at timestamptz,
  -- below: written by reports only
  observed_generation bigint,
  observed_state text,
  observed_converged boolean not null default false,
  observed_spontaneous boolean not null default false,
  observed_reboot_nonce text,
  observed_fault text,
  observed_gone boolean not null default false,
  -- disks that the guest has; whether its host has to be told the keys again
  observed_disks text[] not null default '{}',
  observed_needs_keys boolean not null default false,
  observed_launched_at timestamptz,
  observed_at timestamptz,
  vm_state text not null generated always as (server_vm_state(power, observed_launched_at is not null, fault_message is not null, observed_state,
    reboot_nonce is not null and (reboot_nonce is distinct from observed_reboot_nonce or observed_state in ('preparing', 'starting')),
    observed_fault is not null and coalesce(observed_generation >= power_generation, false), task_vm_state, mode)) stored,
  task_state text generated always as (server_task_state(power, observed_launched_at is not null, fault_message is not null, observed_state, reboot_kind,
    reboot_nonce is not null and (reboot_nonce is distinct from observed_reboot_nonce or observed_state in ('preparing', 'starting')),
    observed_fault is not null and coalesce(observed_generation >= power_generation, false),
    observed_spontaneous and coalesce(observed_generation >= power_generation, false), deleting, host is not null, task, mode)) stored,
  -- its host has yet to say that it has what was last wanted; a column, so that the planner knows how few they are
  unobserved boolean not null generated always as (host is not null and fault_message is null
    and (observed_generation is distinct from generation or observed_needs_keys)) stored
);
create index server_of_project on server (project_id, created_at desc, id desc);
create index server_by_age on server (created_at desc, id desc);
create index server_by_status on server (project_id, server_status(vm_state, task_state), created_at desc, id desc);
create index server_on_host on server (host) where host is not null;
create index server_changed on server (project_id, updated_at);
create index server_on_other_host on server (other_host) where other_host is not null;
-- what the resync looks at
create index server_unsettled on server (id) where deleting or task_state is not null;
create index server_unobserved on server (id) where unobserved;

-- What was done to a server and by whom; outlives the server (microversion 2.21).
create table server_action (
  id bigint generated always as identity primary key,
  server_id text collate "C" not null,
  project_id text not null,
  user_id text not null,
  actor_project_id text,
  request_id text not null,
  action text not null,
  message text,
  started_at timestamptz not null,
  updated_at timestamptz not null,
  finished_at timestamptz,
  result text,
  host text,
  details text
);
create index server_action_of_server on server_action (server_id, id desc);
create index server_action_of_project on server_action (project_id, server_id);
create index server_action_open on server_action (server_id) where finished_at is null;

-- An image that is being made of a server's disk: the row goes when the image is there, or will not be.
create table server_snapshot (
  image_id text collate "C" primary key,
  server_id text collate "C" not null,
  host text collate "C" not null,
  -- shelve, migrate: a step of a task of the server's
  kind text not null check (kind in ('snapshot', 'backup', 'shelve', 'migrate')),
  backup_type text,
  rotation integer,
  created_at timestamptz not null
);
create index server_snapshot_of_server on server_snapshot (server_id);

-- A server's moves between hosts and flavors (Nova's migrations).
create table server_migration (
  id bigint generated always as identity primary key,
  uuid text not null unique,
  server_id text collate "C" not null references server on delete cascade,
  user_id text not null,
  kind text not null check (kind in ('resize', 'migration', 'live-migration', 'evacuation')),
  status text not null,
  source_host text not null,
  dest_host text,
  old_flavor_id text not null,
  new_flavor_id text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index server_migration_of_server on server_migration (server_id, id desc);

create table console_token (
  token_hash text primary key,
  server_id text collate "C" not null references server on delete cascade,
  stream text not null check (stream in ('vnc', 'serial')),
  expires_at timestamptz not null
);
create index console_token_old on console_token (expires_at);
create index console_token_of_server on console_token (server_id);

-- Disks of a server beside those that its flavor brings: volumes, and what the request's block device mapping said of
-- local ones. A row stands for as long as the guest may have the disk.
create table server_disk (
  id text collate "C" primary key,
  number bigint generated always as identity,
  server_id text collate "C" not null references server on delete cascade,
  project_id text not null,
  source_type text not null check (source_type in ('image', 'volume', 'snapshot', 'blank')),
  destination_type text not null check (destination_type in ('local', 'volume')),
  -- null for local disks
  volume_id text,
  -- the volume service's; null until the volume is there to be attached
  attachment_id text,
  size_gib integer not null default 0 check (size_gib >= 0),
  device_name text not null,
  boot_index integer check (boot_index >= 0),
  guest_format text,
  tag text,
  delete_on_termination boolean not null default false,
  detaching boolean not null default false,
  -- attached live or being detached since; the deadline is counted from here
  changed_at timestamptz not null,
  -- when the guest was seen with it
  attached_at timestamptz,
  created_at timestamptz not null
);
create index server_disk_of_server on server_disk (server_id, number);
create unique index server_disk_once on server_disk (server_id, volume_id) where volume_id is not null;
create unique index server_disk_device on server_disk (server_id, device_name);
create index server_disk_of_volume on server_disk (volume_id) where volume_id is not null;
create index server_disk_of_project on server_disk (project_id, number);

-- Servers that are to share a host, or not to.
create table server_group (
  id text collate "C" primary key,
  number bigint generated always as identity,
  project_id text not null,
  user_id text not null,
  name text not null,
  policy text not null check (policy in ('affinity', 'anti-affinity', 'soft-affinity', 'soft-anti-affinity')),
  -- how many of the group a host may have, where the policy is anti-affinity
  max_server_per_host integer check (max_server_per_host > 0),
  created_at timestamptz not null
);
create index server_group_of_project on server_group (project_id, number);
create unique index server_group_by_number on server_group (number);

create table server_group_member (
  server_id text collate "C" primary key references server on delete cascade,
  group_id text collate "C" not null references server_group on delete cascade
);
create index server_group_member_of_group on server_group_member (group_id, server_id);

-- Operators' sets of hosts. One that names a zone puts its hosts there: compute_host.availability_zone says the same.
create table aggregate (
  id bigint generated always as identity primary key,
  uuid text not null unique,
  name text not null unique,
  availability_zone text,
  metadata jsonb not null default '{}',
  created_at timestamptz not null,
  updated_at timestamptz
);

create table aggregate_host (
  aggregate_id bigint not null references aggregate on delete cascade,
  host text collate "C" not null references compute_host on delete cascade,
  primary key (aggregate_id, host)
);
create index aggregate_host_by_host on aggregate_host (host);

-- Limits for every project that has none of its own (Nova's quota class `default`), and for users within a project.
create table compute_quota_class (
  name text collate "C" primary key,
  quota jsonb not null
);

create table compute_user_quota (
  project_id text not null,
  user_id text not null,
  quota jsonb not null,
  primary key (project_id, user_id)
);

-- What servers were that are gone, for as long as their project is: when they ran, and what they took.
create table server_usage (
  server_id text collate "C" primary key,
  project_id text collate "C" not null,
  name text not null,
  flavor jsonb not null,
  launched_at timestamptz not null,
  ended_at timestamptz not null
);
create index server_usage_of_project on server_usage (project_id, ended_at);
create index server_usage_by_end on server_usage (ended_at);
