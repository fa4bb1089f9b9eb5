-- The three substrates' tables and the queue: what every service stands on.

create table event (
  id uuid primary key,
  time timestamptz not null,
  action text not null,
  outcome text not null check (outcome in ('success', 'failure')),
  user_id text,
  project_id text,
  target_type text not null,
  target_id text not null,
  -- canonical JSON: what the leaf's hash covers
  body text not null,
  leaf_hash bytea not null,
  -- place in the Merkle log; null until the sequencer has seen it
  leaf_index bigint unique
);
create index event_unsequenced on event (id) where leaf_index is null;
-- ids begin with the time
create index event_by_project on event (project_id, id);
create index event_by_target on event (target_id, time);

-- The Merkle log over the events, as C2SP tlog-tiles lays it out: 256 hashes a tile; an entry of level n + 1 is the
-- hash of a whole tile of level n. Only the last tile of a level grows.
create table event_tile (
  level smallint not null,
  tile_index bigint not null,
  hashes bytea not null,
  -- level 0: whose leaves these are, so that a row that vanished can be named
  ids uuid[],
  primary key (level, tile_index)
);
alter table event_tile alter column hashes set storage external;

create table event_checkpoint (
  size bigint primary key,
  root bytea not null,
  time timestamptz not null,
  -- C2SP tlog-checkpoint: a signed note
  note text not null
);

create table reconcile_queue (
  key text collate "C" primary key,
  kind text not null,
  run_at timestamptz not null default now(),
  version bigint not null default 1,
  attempts integer not null default 0,
  lease_by text,
  lease_until timestamptz,
  waiting_for text,
  -- the answer to "why are you not ready?"
  why text
);
create index reconcile_queue_due on reconcile_queue (run_at);
create index reconcile_queue_waiting on reconcile_queue (waiting_for) where waiting_for is not null;
