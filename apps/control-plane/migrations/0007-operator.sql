-- Operator: what only the operator asks for.

-- The end of a project: everything it owns is removed, class by class, then its keys. Kept as the record of the erasure.
create table project_purge (
  -- the project's
  id text collate "C" primary key,
  name text not null,
  domain_id text not null,
  -- null: its grace after deletion ended
  requested_by text,
  requested_at timestamptz not null,
  -- the classes being removed now, by their order in the registry, and when they were last asked to go
  step integer,
  asked_at timestamptz,
  -- class -> how many: the most ever seen of it, and what is left
  found jsonb not null default '{}',
  remaining jsonb not null default '{}',
  -- why something does not go
  reason text,
  finished_at timestamptz
);
create index project_purge_by_age on project_purge (requested_at desc, id desc);
create index project_purge_open on project_purge (id) where finished_at is null;
