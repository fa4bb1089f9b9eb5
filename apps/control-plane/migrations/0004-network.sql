-- Neutron's resources. Desired columns are written by the API (and by compute through public.ts), `observed_*` by
-- reconcilers and reports. `revision_number` is Neutron's and our generation at once: each change of a row's wanted
-- state raises it; `observed_revision` is the one that OVN was last brought to (null: never).
--
-- A deleted resource's row is gone at once; the reconciler finds none for its key and removes what OVN still has of that
-- id (docs/rfd/0006-network.md). Locks are taken in this order, each kind by id: network_project, network, subnetpool,
-- subnet, router, security_group, port, floatingip, ip_allocation.

-- Ids are compared byte by byte everywhere (collate "C"): a reference of another collation than its target's finds no index.

-- One row a project that has ever used the network: its quotas, its default group; locked by whoever counts.
create table network_project (
  project_id text collate "C" primary key,
  -- only what an operator has set; the rest is the default
  quota jsonb not null default '{}',
  default_security_group_id text collate "C"
);

-- What is shared: the projects an object is open to, "*" for all. Kept beside the rows of rbac_policy that say so, in the
-- same transaction, so that a list asks one table. No index of these waits with its entries (fastupdate): lists read them.
create table rbac_policy (
  id text collate "C" primary key,
  project_id text collate "C" not null,
  object_type text not null check (object_type in ('network', 'qos_policy', 'security_group', 'address_scope', 'subnetpool', 'address_group')),
  object_id text collate "C" not null,
  action text not null check (action in ('access_as_shared', 'access_as_external')),
  -- "*": every project
  target_project text collate "C" not null,
  constraint rbac_policy_once unique (object_id, action, target_project)
);
create index rbac_policy_by_project on rbac_policy (project_id, id);

create table qos_policy (
  id text collate "C" primary key,
  project_id text collate "C" not null,
  name text not null,
  description text not null default '',
  shared_with text[] collate "C" not null default '{}',
  is_default boolean not null default false,
  tags text[] not null default '{}',
  revision_number integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index qos_policy_by_project on qos_policy (project_id, id);
create index qos_policy_shared on qos_policy using gin (shared_with) with (fastupdate = off);
create unique index qos_policy_default on qos_policy (project_id) where is_default;

create table qos_rule (
  id text collate "C" primary key,
  qos_policy_id text collate "C" not null references qos_policy on delete cascade,
  type text not null check (type in ('bandwidth_limit', 'dscp_marking', 'minimum_bandwidth')),
  direction text check (direction in ('ingress', 'egress')),
  max_kbps integer,
  max_burst_kbps integer,
  dscp_mark integer,
  min_kbps integer,
  -- one rule of a kind and direction in a policy
  constraint qos_rule_once unique nulls not distinct (qos_policy_id, type, direction)
);

create table address_scope (
  id text collate "C" primary key,
  project_id text collate "C" not null,
  name text not null,
  ip_version integer not null check (ip_version in (4, 6)),
  shared_with text[] collate "C" not null default '{}'
);
create index address_scope_by_project on address_scope (project_id, id);
create index address_scope_shared on address_scope using gin (shared_with) with (fastupdate = off);

create table network (
  id text collate "C" primary key,
  project_id text collate "C" not null,
  name text not null default '',
  description text not null default '',
  admin_state_up boolean not null default true,
  shared_with text[] collate "C" not null default '{}',
  external boolean not null default false,
  -- who may have gateways and floating IPs there
  external_to text[] collate "C" not null default '{}',
  qos_policy_id text collate "C" references qos_policy,
  is_default boolean not null default false,
  mtu integer not null,
  port_security_enabled boolean not null default true,
  dns_domain text not null default '',
  network_type text not null check (network_type in ('geneve', 'flat', 'vlan')),
  physical_network text,
  segmentation_id integer,
  availability_zone_hints text[] not null default '{}',
  tags text[] not null default '{}',
  revision_number integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  observed_revision integer,
  status text not null generated always as ('ACTIVE') stored
);
create index network_by_project on network (project_id, id);
create index network_shared on network using gin (shared_with) with (fastupdate = off);
create index network_external on network using gin (external_to) with (fastupdate = off);
create index network_by_qos_policy on network (qos_policy_id) where qos_policy_id is not null;
create index network_by_name on network (name, id);
-- a flat physical network carries one network, a VLAN of it too
create unique index network_segment on network (physical_network, coalesce(segmentation_id, 0)) where physical_network is not null;
create unique index network_default on network (is_default) where is_default;

create table subnetpool (
  id text collate "C" primary key,
  project_id text collate "C" not null,
  name text not null,
  description text not null default '',
  ip_version integer not null check (ip_version in (4, 6)),
  prefixes text[] not null,
  default_prefixlen integer not null,
  min_prefixlen integer not null,
  max_prefixlen integer not null,
  default_quota integer,
  shared_with text[] collate "C" not null default '{}',
  address_scope_id text collate "C" references address_scope,
  is_default boolean not null default false,
  tags text[] not null default '{}',
  revision_number integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index subnetpool_by_project on subnetpool (project_id, id);
create index subnetpool_shared on subnetpool using gin (shared_with) with (fastupdate = off);
create index subnetpool_by_address_scope on subnetpool (address_scope_id) where address_scope_id is not null;
create unique index subnetpool_default on subnetpool (ip_version) where is_default;

-- Two subnets of a network never overlap: whoever makes one holds the network's row while it looks.
create table subnet (
  id text collate "C" primary key,
  project_id text collate "C" not null,
  network_id text collate "C" not null references network on delete cascade,
  subnetpool_id text collate "C" references subnetpool,
  name text not null default '',
  description text not null default '',
  ip_version integer not null check (ip_version in (4, 6)),
  cidr cidr not null,
  gateway_ip text,
  -- [{"start": "10.0.0.2", "end": "10.0.0.254"}], sorted
  allocation_pools jsonb not null,
  dns_nameservers text[] not null default '{}',
  -- [{"destination": cidr, "nexthop": address}]
  host_routes jsonb not null default '[]',
  enable_dhcp boolean not null default true,
  ipv6_ra_mode text,
  ipv6_address_mode text,
  -- the device owners whose ports get addresses there; none: all
  service_types text[] not null default '{}',
  tags text[] not null default '{}',
  revision_number integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index subnet_by_project on subnet (project_id, id);
create index subnet_by_network on subnet (network_id, id);
create index subnet_by_pool on subnet (subnetpool_id) where subnetpool_id is not null;
create index subnet_by_name on subnet (name, id);

create table security_group (
  id text collate "C" primary key,
  project_id text collate "C" not null,
  name text not null,
  description text not null default '',
  stateful boolean not null default true,
  -- the project's own "default", made by itself
  is_default boolean not null default false,
  shared_with text[] collate "C" not null default '{}',
  tags text[] not null default '{}',
  revision_number integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  observed_revision integer
);
create index security_group_by_project on security_group (project_id, name, id);
create index security_group_shared on security_group using gin (shared_with) with (fastupdate = off);
create unique index security_group_default on security_group (project_id) where is_default;
alter table network_project add constraint network_project_default_group
  foreign key (default_security_group_id) references security_group on delete set null;
create index network_project_by_default_group on network_project (default_security_group_id) where default_security_group_id is not null;

-- Addresses that rules name together.
create table address_group (
  id text collate "C" primary key,
  project_id text collate "C" not null,
  name text not null default '',
  description text not null default '',
  -- canonical CIDRs
  addresses text[] not null default '{}',
  shared_with text[] collate "C" not null default '{}',
  revision_number integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index address_group_by_project on address_group (project_id, id);
create index address_group_shared on address_group using gin (shared_with) with (fastupdate = off);

create table security_group_rule (
  id text collate "C" primary key,
  project_id text collate "C" not null,
  security_group_id text collate "C" not null references security_group on delete cascade,
  direction text not null check (direction in ('ingress', 'egress')),
  ethertype text not null check (ethertype in ('IPv4', 'IPv6')),
  -- as the customer wrote it: "tcp" or "6"
  protocol text,
  port_range_min integer,
  port_range_max integer,
  remote_group_id text collate "C" references security_group on delete cascade,
  remote_ip_prefix text,
  remote_address_group_id text collate "C" references address_group,
  description text not null default '',
  tags text[] not null default '{}',
  revision_number integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  -- what it means, so that two ways of writing one rule are the same rule
  match_protocol text,
  match_prefix text,
  constraint security_group_rule_once unique nulls not distinct
    (security_group_id, direction, ethertype, match_protocol, port_range_min, port_range_max, remote_group_id, remote_address_group_id, match_prefix)
);
create index security_group_rule_by_project on security_group_rule (project_id, id);
create index security_group_rule_by_group on security_group_rule (security_group_id, id);
create index security_group_rule_by_remote on security_group_rule (remote_group_id) where remote_group_id is not null;
create index security_group_rule_by_address_group on security_group_rule (remote_address_group_id) where remote_address_group_id is not null;

create table router (
  id text collate "C" primary key,
  project_id text collate "C" not null,
  name text not null default '',
  description text not null default '',
  admin_state_up boolean not null default true,
  -- the port on the external network; its fixed_ips are the gateway's addresses
  gateway_port_id text collate "C" unique,
  gateway_network_id text collate "C" references network,
  enable_snat boolean not null default true,
  -- of what goes through the gateway under the router's own address
  gateway_qos_policy_id text collate "C" references qos_policy,
  -- [{"destination": cidr, "nexthop": address}]
  routes jsonb not null default '[]',
  availability_zone_hints text[] not null default '{}',
  tags text[] not null default '{}',
  revision_number integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  observed_revision integer,
  status text not null generated always as ('ACTIVE') stored
);
create index router_by_project on router (project_id, id);
create index router_by_qos_policy on router (gateway_qos_policy_id) where gateway_qos_policy_id is not null;
create index router_by_gateway_network on router (gateway_network_id) where gateway_network_id is not null;

create table port (
  id text collate "C" primary key,
  -- '' for the ports that the cloud itself owns (floating IPs, router gateways), as in Neutron
  project_id text collate "C" not null,
  network_id text collate "C" not null references network,
  -- the network's owner sees every port on it
  network_project_id text collate "C" not null,
  name text not null default '',
  description text not null default '',
  admin_state_up boolean not null default true,
  mac_address text not null,
  device_id text collate "C" not null default '',
  device_owner text not null default '',
  -- [{"subnet_id", "ip_address"}]: the same as its ip_allocation rows, in the customer's order, for reading in one go
  fixed_ips jsonb not null default '[]',
  security_group_ids text[] collate "C" not null default '{}',
  -- [{"ip_address", "mac_address"}]
  allowed_address_pairs jsonb not null default '[]',
  -- [{"opt_name", "opt_value", "ip_version"}]
  extra_dhcp_opts jsonb not null default '[]',
  port_security_enabled boolean not null,
  dns_name text not null default '',
  qos_policy_id text collate "C" references qos_policy,
  host_id text collate "C" not null default '',
  vnic_type text not null default 'normal',
  binding_profile jsonb not null default '{}',
  -- the server whose interface it is: set by compute alone (device_id is any text that the customer likes)
  server_id text collate "C",
  -- orders a server's interfaces
  attached_at timestamptz,
  -- compute made it with its server and deletes it with it
  delete_with_server boolean not null default false,
  -- Nova's tag of the interface, for the guest's metadata
  device_tag text,
  tags text[] not null default '{}',
  revision_number integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  observed_revision integer,
  -- the host's agent sees it plugged, its flows installed
  observed_up boolean not null default false,
  status text not null generated always as (
    case when device_owner = 'network:floatingip' then 'N/A'
      when not admin_state_up then 'DOWN'
      when device_owner like 'network:%' then case when observed_revision is null then 'DOWN' else 'ACTIVE' end
      when observed_up then 'ACTIVE' else 'DOWN' end) stored,
  constraint port_mac_once unique (network_id, mac_address)
) with (fillfactor = 85);
create index port_by_project on port (project_id, id);
create index port_by_network_owner on port (network_project_id, id);
create index port_by_network on port (network_id, id);
create index port_by_device on port (device_id, id) where device_id <> '';
create index port_by_server on port (server_id) where server_id is not null;
create index port_by_owner on port (device_owner, id) where device_owner like 'network:%';
create index port_by_qos_policy on port (qos_policy_id) where qos_policy_id is not null;
create index port_by_mac on port (mac_address);
create index port_by_name on port (name, id) where name <> '';
create index port_by_group on port using gin (security_group_ids);
-- the network's own port: DHCP's and the metadata service's place in it
create unique index port_distributed on port (network_id) where device_owner = 'network:distributed';
alter table router add constraint router_gateway_port foreign key (gateway_port_id) references port;

-- Every address in use, once. Inserted before its port, in the same statement's transaction.
create table ip_allocation (
  subnet_id text collate "C" not null references subnet,
  address inet not null,
  port_id text collate "C" not null references port on delete cascade deferrable initially deferred,
  primary key (subnet_id, address)
);
create index ip_allocation_by_port on ip_allocation (port_id);
create index ip_allocation_by_address on ip_allocation (address);

create table floatingip (
  id text collate "C" primary key,
  project_id text collate "C" not null,
  description text not null default '',
  floating_network_id text collate "C" not null references network,
  floating_ip_address text not null,
  -- holds the address on the external network
  floating_port_id text collate "C" not null unique references port,
  port_id text collate "C" references port,
  fixed_ip_address text,
  router_id text collate "C" references router,
  dns_name text not null default '',
  dns_domain text not null default '',
  qos_policy_id text collate "C" references qos_policy,
  tags text[] not null default '{}',
  revision_number integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  observed_revision integer,
  status text not null generated always as (case when router_id is null or observed_revision is null then 'DOWN' else 'ACTIVE' end) stored,
  -- an inner address has one outer address
  constraint floatingip_target_once unique (floating_network_id, port_id, fixed_ip_address)
);
create index floatingip_by_project on floatingip (project_id, id);
create index floatingip_by_port on floatingip (port_id) where port_id is not null;
create index floatingip_by_router on floatingip (router_id) where router_id is not null;
create index floatingip_by_address on floatingip (floating_ip_address);
create index floatingip_by_network on floatingip (floating_network_id);
create index floatingip_by_qos_policy on floatingip (qos_policy_id) where qos_policy_id is not null;

-- A floating IP on no port of its own: each of these leads some of its ports to a port inside. It has a router as long as it has one.
create table port_forwarding (
  id text collate "C" primary key,
  project_id text collate "C" not null,
  floatingip_id text collate "C" not null references floatingip on delete cascade,
  protocol text not null check (protocol in ('tcp', 'udp')),
  external_port_first integer not null,
  external_port_last integer not null,
  internal_port_first integer not null,
  internal_port_last integer not null,
  internal_port_id text collate "C" not null references port on delete cascade,
  internal_ip_address text not null,
  description text not null default ''
);
create index port_forwarding_by_floatingip on port_forwarding (floatingip_id, id);
create index port_forwarding_by_port on port_forwarding (internal_port_id);
create index port_forwarding_by_project on port_forwarding (project_id, id);

-- What a project was given that asked for a network without having any. They are resources like any others.
create table auto_allocated_topology (
  project_id text collate "C" primary key,
  network_id text collate "C" not null references network on delete cascade,
  router_id text collate "C" references router on delete set null
);
create index auto_allocated_topology_by_network on auto_allocated_topology (network_id);
create index auto_allocated_topology_by_router on auto_allocated_topology (router_id) where router_id is not null;

-- A port that carries others as VLANs. With a server's own port its trunk goes; by hand neither is deleted while it is one.
create table trunk (
  id text collate "C" primary key,
  project_id text collate "C" not null,
  name text not null default '',
  description text not null default '',
  admin_state_up boolean not null default true,
  port_id text collate "C" not null unique references port,
  tags text[] not null default '{}',
  revision_number integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index trunk_by_project on trunk (project_id, id);

create table trunk_subport (
  port_id text collate "C" primary key references port,
  trunk_id text collate "C" not null references trunk on delete cascade,
  segmentation_id integer not null,
  constraint trunk_subport_once unique (trunk_id, segmentation_id)
);
