-- Identity (Keystone v3) and the key tree. Ids are 32 hex digits; "default" and "operators" are the two domains of old.

-- The key tree (architecture.md, rule 8c). Nothing here opens without the operator's root key.
create table signing_key (
  id text primary key,
  purpose text not null check (purpose in ('token', 'event-log')),
  public_key bytea not null,
  wrapped_private_key bytea not null,
  created_at timestamptz not null default now(),
  retired_at timestamptz
);
-- one key in force for each purpose
create unique index signing_key_in_force on signing_key (purpose) where retired_at is null;

create table project_key (
  project_id text primary key,
  id text not null unique,
  -- null once destroyed: the row stays as the proof that it was
  wrapped_key bytea,
  created_at timestamptz not null default now(),
  destroyed_at timestamptz,
  check ((wrapped_key is null) = (destroyed_at is not null))
);

create table domain (
  id text collate "C" primary key,
  name text not null unique,
  description text not null default '',
  enabled boolean not null default true,
  -- which plane its accounts sign in on; a customer's account is welcome on both, an operator's on the operators' only
  directory text not null default 'customer' check (directory in ('customer', 'operator')),
  tags text[] not null default '{}',
  -- neither changed nor deleted until somebody says that it may be
  immutable boolean not null default false,
  extra jsonb not null default '{}',
  created_at timestamptz not null default now()
);

create table project (
  id text collate "C" primary key,
  domain_id text collate "C" not null references domain (id) on delete cascade,
  -- null: directly below its domain
  parent_id text collate "C" references project (id),
  name text not null,
  description text not null default '',
  enabled boolean not null default true,
  tags text[] not null default '{}',
  immutable boolean not null default false,
  extra jsonb not null default '{}',
  created_at timestamptz not null default now(),
  unique (domain_id, name)
);
create index project_by_domain on project (domain_id, id);
create index project_by_parent on project (parent_id) where parent_id is not null;
-- what the API calls a project's parent
create index project_below on project ((coalesce(parent_id, domain_id)), id);

-- What a purge has still to look at: the project is gone for Identity, its resources may not be.
create table deleted_project (
  id text collate "C" primary key,
  domain_id text not null,
  name text not null,
  deleted_at timestamptz not null default now()
);
create index deleted_project_by_age on deleted_project (deleted_at);

create table user_account (
  id text collate "C" primary key,
  domain_id text collate "C" not null references domain (id) on delete cascade,
  name text not null,
  default_project_id text,
  enabled boolean not null default true,
  -- how the account may sign in: Keystone's user options, rules of several factors among them
  options jsonb not null default '{}',
  extra jsonb not null default '{}',
  -- PHC string; null: nobody can sign in with a password
  password_hash text,
  password_changed_at timestamptz,
  -- failures since the last success; the account is locked while there are too many and the last is recent
  failed_attempts integer not null default 0,
  last_failed_at timestamptz,
  created_at timestamptz not null default now(),
  unique (domain_id, name)
);
create index user_account_by_domain on user_account (domain_id, id);

-- Hashes of passwords of before, so that they are not chosen again.
create table password_history (
  id bigint generated always as identity primary key,
  user_id text collate "C" not null references user_account (id) on delete cascade,
  password_hash text not null,
  created_at timestamptz not null default now()
);
create index password_history_by_user on password_history (user_id, id desc);

create table user_group (
  id text collate "C" primary key,
  domain_id text collate "C" not null references domain (id) on delete cascade,
  name text not null,
  description text not null default '',
  extra jsonb not null default '{}',
  created_at timestamptz not null default now(),
  unique (domain_id, name)
);
create index user_group_by_domain on user_group (domain_id, id);

create table group_member (
  group_id text collate "C" not null references user_group (id) on delete cascade,
  user_id text collate "C" not null references user_account (id) on delete cascade,
  primary key (group_id, user_id)
);
create index group_member_by_user on group_member (user_id);

create table role (
  id text collate "C" primary key,
  name text not null,
  -- set: a domain's own role, which shows in no token and only stands for those it implies
  domain_id text collate "C" references domain (id) on delete cascade,
  description text,
  -- the policies' own roles are neither renamed nor deleted
  immutable boolean not null default false,
  extra jsonb not null default '{}',
  created_at timestamptz not null default now(),
  unique nulls not distinct (domain_id, name)
);

create table role_implication (
  prior_role_id text collate "C" not null references role (id) on delete cascade,
  implied_role_id text collate "C" not null references role (id) on delete cascade,
  primary key (prior_role_id, implied_role_id),
  check (prior_role_id <> implied_role_id)
);
create index role_implication_by_implied on role_implication (implied_role_id);

-- Who (a user or a group) has which role where (a project, a domain, or the system when both are null).
create table role_assignment (
  role_id text collate "C" not null references role (id) on delete cascade,
  user_id text collate "C" references user_account (id) on delete cascade,
  group_id text collate "C" references user_group (id) on delete cascade,
  project_id text collate "C" references project (id) on delete cascade,
  domain_id text collate "C" references domain (id) on delete cascade,
  -- not for the place itself but for every project below it
  inherited boolean not null default false,
  created_at timestamptz not null default now(),
  check (num_nonnulls(user_id, group_id) = 1),
  check (num_nonnulls(project_id, domain_id) <= 1),
  check (not inherited or num_nonnulls(project_id, domain_id) = 1),
  unique nulls not distinct (user_id, group_id, project_id, domain_id, role_id, inherited)
);
create index role_assignment_by_group on role_assignment (group_id) where group_id is not null;
create index role_assignment_by_project on role_assignment (project_id) where project_id is not null;
create index role_assignment_by_domain on role_assignment (domain_id) where domain_id is not null;
create index role_assignment_by_role on role_assignment (role_id);

create table application_credential (
  id text collate "C" primary key,
  user_id text collate "C" not null references user_account (id) on delete cascade,
  project_id text collate "C" not null references project (id) on delete cascade,
  name text not null,
  description text,
  -- as the client wrote it: it is shown again exactly so
  expires_at text,
  expires_at_time timestamptz,
  unrestricted boolean not null default false,
  secret_hash text not null,
  created_at timestamptz not null default now(),
  unique (user_id, name)
);
create index application_credential_by_project on application_credential (project_id);

create table application_credential_role (
  application_credential_id text collate "C" not null references application_credential (id) on delete cascade,
  role_id text collate "C" not null references role (id) on delete cascade,
  primary key (application_credential_id, role_id)
);
create index application_credential_role_by_role on application_credential_role (role_id);

-- What an application credential's tokens may be used for; a rule belongs to its user and serves several credentials.
create table access_rule (
  id text collate "C" primary key,
  user_id text collate "C" not null references user_account (id) on delete cascade,
  -- type of a service in the catalog
  service text not null,
  path text not null,
  method text not null,
  created_at timestamptz not null default now(),
  unique (user_id, service, path, method)
);

create table application_credential_access_rule (
  application_credential_id text collate "C" not null references application_credential (id) on delete cascade,
  access_rule_id text collate "C" not null references access_rule (id) on delete restrict,
  primary key (application_credential_id, access_rule_id)
);
create index application_credential_access_rule_by_rule on application_credential_access_rule (access_rule_id);

-- A trustor lends roles on a project to a trustee, who may lend them on as often as redelegation_count says.
create table trust (
  id text collate "C" primary key,
  trustor_user_id text collate "C" not null references user_account (id) on delete cascade,
  trustee_user_id text collate "C" not null references user_account (id) on delete cascade,
  project_id text collate "C" references project (id) on delete cascade,
  impersonation boolean not null,
  expires_at timestamptz,
  -- null: as often as one likes
  remaining_uses integer check (remaining_uses >= 0),
  redelegation_count integer not null default 0,
  redelegated_trust_id text collate "C" references trust (id) on delete cascade,
  extra jsonb not null default '{}',
  created_at timestamptz not null default now()
);
create index trust_by_trustor on trust (trustor_user_id, id);
create index trust_by_trustee on trust (trustee_user_id, id);
create index trust_by_project on trust (project_id) where project_id is not null;
create index trust_by_origin on trust (redelegated_trust_id) where redelegated_trust_id is not null;

create table trust_role (
  trust_id text collate "C" not null references trust (id) on delete cascade,
  role_id text collate "C" not null references role (id) on delete cascade,
  primary key (trust_id, role_id)
);
create index trust_role_by_role on trust_role (role_id);

-- Secrets that users keep here: EC2 key pairs, seeds of one-time passwords, certificates.
create table credential (
  -- of an EC2 key pair: SHA-256 of the access key
  id text collate "C" primary key,
  user_id text collate "C" not null references user_account (id) on delete cascade,
  project_id text collate "C" references project (id) on delete cascade,
  type text not null,
  -- opens with the operator's key only (key tree)
  wrapped_blob bytea not null,
  -- what a delegated token made ends with the delegation
  trust_id text collate "C" references trust (id) on delete cascade,
  application_credential_id text collate "C" references application_credential (id) on delete cascade,
  -- RFC 6238, section 5.2: a one-time password is taken once
  last_used_step bigint not null default 0,
  extra jsonb not null default '{}',
  created_at timestamptz not null default now()
);
create index credential_by_user on credential (user_id, type, id);
create index credential_by_project on credential (project_id) where project_id is not null;
create index credential_by_trust on credential (trust_id) where trust_id is not null;
create index credential_by_application_credential on credential (application_credential_id)
  where application_credential_id is not null;

-- What the operator adds to the catalog; what the installation itself offers is in the program.
create table region (
  id text collate "C" primary key,
  description text not null default '',
  parent_region_id text,
  extra jsonb not null default '{}',
  created_at timestamptz not null default now()
);
create index region_by_parent on region (parent_region_id) where parent_region_id is not null;

create table catalog_service (
  id text collate "C" primary key,
  type text not null,
  name text,
  description text,
  enabled boolean not null default true,
  extra jsonb not null default '{}',
  created_at timestamptz not null default now()
);

create table catalog_endpoint (
  id text collate "C" primary key,
  -- an operator's service, or one of the installation's own
  service_id text not null,
  region_id text,
  interface text not null check (interface in ('public', 'internal', 'admin')),
  url text not null,
  enabled boolean not null default true,
  extra jsonb not null default '{}',
  created_at timestamptz not null default now()
);
create index catalog_endpoint_by_service on catalog_endpoint (service_id);
create index catalog_endpoint_by_region on catalog_endpoint (region_id);

-- Unified limits: what a resource's limit is unless a project or domain has one of its own.
create table registered_limit (
  id text collate "C" primary key,
  service_id text not null,
  region_id text,
  resource_name text not null,
  default_limit integer not null,
  description text,
  created_at timestamptz not null default now(),
  unique nulls not distinct (service_id, region_id, resource_name)
);

create table resource_limit (
  id text collate "C" primary key,
  registered_limit_id text collate "C" not null references registered_limit (id),
  project_id text collate "C" references project (id) on delete cascade,
  domain_id text collate "C" references domain (id) on delete cascade,
  resource_limit integer not null,
  description text,
  created_at timestamptz not null default now(),
  check (num_nonnulls(project_id, domain_id) = 1),
  unique nulls not distinct (project_id, domain_id, registered_limit_id)
);
create index resource_limit_by_registered on resource_limit (registered_limit_id);
create index resource_limit_by_domain on resource_limit (domain_id) where domain_id is not null;

-- Revocations. The clock is one row: to revoke is to advance it, so its row lock makes numbers appear in commit order.
-- A token carries the clock's value of the snapshot its facts were read from; a revocation with a greater number
-- kills it. No wall clock decides anything, and a sign-in that races with a revocation cannot win.
create table revocation_clock (
  one boolean primary key default true check (one),
  value bigint not null
);
insert into revocation_clock (value) values (0);

create table revocation (
  number bigint not null,
  -- `audit/<audit id>`, `user/<id>`, `project/<id>`, `user-project/<user>/<project>`, ...
  subject text not null,
  -- by then every token it could concern has ended by itself
  expires_at timestamptz not null,
  primary key (number, subject)
);
create index revocation_by_expiry on revocation (expires_at);

insert into domain (id, name, description, directory) values
  ('default', 'Default', 'The default domain', 'customer'),
  ('operators', 'operators', 'Accounts of those who run this cloud', 'operator');

insert into project (id, domain_id, name, description)
  values (replace(gen_random_uuid()::text, '-', ''), 'operators', 'operators', 'Where operators act from');

insert into role (id, name, description, immutable)
  select replace(gen_random_uuid()::text, '-', ''), name, description, true from (values
    ('reader', 'May look'),
    ('member', 'May use'),
    ('manager', 'May manage who uses'),
    ('admin', 'May do everything'),
    ('ResellerAdmin', 'May act in every account of the object store')) as seed (name, description);

insert into role_implication (prior_role_id, implied_role_id)
  select prior.id, implied.id
  from (values ('admin', 'manager'), ('manager', 'member'), ('member', 'reader')) as rule (prior, implied)
  join role prior on prior.name = rule.prior and prior.domain_id is null
  join role implied on implied.name = rule.implied and implied.domain_id is null;
