/** One of every class, made over the API by one project's member, for the test that walks every route. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";

import { mintToken } from "../services/identity/public.ts";
import type { TestApp } from "./test-app.ts";

export type Samples = {
  /** The project that owns everything here. */
  projectId: string;
  /** Of the member who owns everything here. */
  ownerToken: string;
  /** An id for the parameter that follows this part of a path. */
  idOf(collection: string): string;
  /** Does the parameter after this part name something that belongs to the owner's project or user? */
  isOwned(collection: string): boolean;
  /** Is any text a legal value there (a tag, a metadata key), so that no text is nonsense? */
  isFree(collection: string): boolean;
  /** Does the route page its list, so that a negative page must be refused? */
  isPaged(route: string): boolean;
};

/** What no export, no event and no list may ever show. */
export const SAMPLE_PASSWORD = "Sample-password-1";
export const SAMPLE_SECRET = "sample-secret-that-nobody-shows";

const FREE = new Set([
  "tags",
  "metadata",
  "os-extra_specs",
  "extensions",
  "ips",
  "metadata_items",
  "os-quota-class-sets",
]);

/** Lists that OpenStack pages. Keystone's are whole. */
const PAGED = new Set([
  "GET /compute/v2.1/servers",
  "GET /compute/v2.1/servers/detail",
  "GET /compute/v2.1/flavors",
  "GET /compute/v2.1/flavors/detail",
  "GET /image/v2/images",
  ...[
    "networks",
    "subnets",
    "ports",
    "routers",
    "floatingips",
    "security-groups",
    "security-group-rules",
    "subnetpools",
    "address-scopes",
    "address-groups",
    "rbac-policies",
    "qos/policies",
    "trunks",
  ].map((name) => `GET /network/v2.0/${name}`),
  ...[
    "volumes",
    "volumes/detail",
    "snapshots",
    "snapshots/detail",
    "backups",
    "backups/detail",
    "attachments",
    "types",
    "group_types",
    "groups",
    "groups/detail",
  ].map((name) => `GET /volume/v3/${name}`),
]);

/** What compute only says of that it is gone. */
const GONE_FROM_COMPUTE = [
  "os-agents",
  "os-cells",
  "os-certificates",
  "os-cloudpipe",
  "os-fixed-ips",
  "os-floating-ip-dns",
  "entries",
  "os-floating-ips-bulk",
  "os-fping",
  "os-security-group-default-rules",
  "consoles",
];

type Made = { [member: string]: { [member: string]: unknown } };
/** What the makers below share: where they ask, what they made so far. */
type Sampling = { test: TestApp; ids: { [collection: string]: string }; owned: Set<string>; ownerToken: string };

/** Makes all samples. The order matters: what comes later names what came before. */
export async function makeSamples(test: TestApp): Promise<Samples> {
  const sampling: Sampling = { test, ids: {}, owned: new Set(), ownerToken: "" };
  const { ids, owned } = sampling;
  await makeIdentity(sampling);
  sampling.ownerToken = test.tokenFor({
    roles: ["member"],
    projectId: ids["projects"] ?? "",
    userId: ids["users"] ?? "",
  });
  await makeNetwork(sampling);
  await makeImage(sampling);
  await makeMetadefs(sampling);
  await makeVolume(sampling);
  await makeObjectStore(sampling);
  await makeCompute(sampling);
  Object.assign(ids, {
    tags: "a-tag",
    metadata: "a-key",
    ips: "samples",
    members: ids["projects"],
    "os-extra_specs": "a:key",
    extensions: "router",
    "os-instance-actions": ids["os-instance-actions"] ?? "req-none",
    migrations: "none",
    agents: "none",
    "dhcp-networks": ids["networks"] ?? "",
    "l3-routers": ids["routers"] ?? "",
    "service-profiles": "none",
    inherited_to_projects: "none",
    tasks: "none",
    namespaces: "samples",
    objects: "sample",
    properties: "sample",
    resource_types: "sample",
    cache: ids["images"] ?? "",
    stores: "file",
    // of `/stores/:store_id/:image_id`: what stands before the second parameter is the first
    ":store_id": ids["images"] ?? "",
  });
  return {
    projectId: ids["projects"] ?? "",
    ownerToken: sampling.ownerToken,
    idOf(collection) {
      const id = ids[collection];
      assert.ok(id !== undefined, `no sample of "${collection}": add one to testing/samples.ts`);
      return id;
    },
    isOwned: (collection) => owned.has(collection),
    isFree: (collection) => FREE.has(collection),
    isPaged: (route) => PAGED.has(route),
  };
}

/** POSTs `{ member: fields }` to a collection and gives the new one's id. */
async function post(test: TestApp, token: string, url: string, member: string, fields: object): Promise<string> {
  const answer = await test.inject({ method: "POST", url, token, body: { [member]: fields } });
  assert.ok(answer.status >= 200 && answer.status < 300, `sample ${url}: ${answer.status} ${answer.text}`);
  return String((answer.body as Made)[member]?.["id"]);
}

function own({ owned, ids }: Sampling, collection: string, id: string): string {
  owned.add(collection);
  ids[collection] = id;
  return id;
}

async function makeIdentity(sampling: Sampling): Promise<void> {
  const { test, ids } = sampling;
  const make = async (collection: string, member: string, fields: object): Promise<void> => {
    ids[collection] = await post(test, test.adminToken, `/identity/v3/${collection}`, member, fields);
  };
  await make("domains", "domain", { name: "samples" });
  await make("projects", "project", { name: "samples", domain_id: "default" });
  await make("users", "user", { name: "sample", password: SAMPLE_PASSWORD, domain_id: "default" });
  await make("groups", "group", { name: "samples", domain_id: "default" });
  await make("roles", "role", { name: "sample" });
  ids["implies"] = ids["roles"] ?? "";
  // a credential is made with a token that Identity itself signed
  const domain = { id: "default", name: "Default" };
  const now = test.app.clock.now();
  const token = mintToken(test.app, {
    methods: ["password"],
    user: { id: ids["users"] ?? "", name: "sample", domain },
    directory: "customer",
    scope: { kind: "project", project: { id: ids["projects"] ?? "", name: "samples", domain } },
    roles: [],
    auditIds: ["samples"],
    issuedAtMs: now,
    expiresAtMs: now + 3_600_000,
    asOf: 0,
  });
  const url = `/identity/v3/users/${ids["users"] ?? ""}/application_credentials`;
  const rule = { service: "compute", method: "GET", path: "/v2.1/servers" };
  const credential = { name: "samples", secret: SAMPLE_SECRET, access_rules: [rule] };
  ids["application_credentials"] = await post(test, token, url, "application_credential", credential);
  await makeLent(sampling, token);
  await makeCatalog(sampling);
}

/** What a user lends and keeps: a trust, a key pair, the rule of the application credential. */
async function makeLent(sampling: Sampling, token: string): Promise<void> {
  const { test, ids } = sampling;
  const [userId, projectId] = [ids["users"] ?? "", ids["projects"] ?? ""];
  const fields = { name: "trustee", domain_id: "default" };
  const trustee = await post(test, test.adminToken, "/identity/v3/users", "user", fields);
  const grant = `/identity/v3/projects/${projectId}/users/${userId}/roles/${ids["roles"] ?? ""}`;
  assert.equal((await test.inject({ method: "PUT", url: grant, token: test.adminToken })).status, 204);
  const trust = {
    trustor_user_id: userId,
    trustee_user_id: trustee,
    impersonation: false,
    project_id: projectId,
    roles: [{ id: ids["roles"] }],
  };
  own(sampling, "trusts", await post(test, token, "/identity/v3/OS-TRUST/trusts", "trust", { ...trust }));
  const made = await test.inject({
    method: "POST",
    url: `/identity/v3/users/${userId}/credentials/OS-EC2`,
    token,
    body: { tenant_id: projectId },
  });
  assert.equal(made.status, 201, made.text);
  const access = String((made.body as Made)["credential"]?.["access"]);
  own(sampling, "OS-EC2", access);
  own(sampling, "credentials", createHash("sha256").update(access).digest("hex"));
  const rules = await test.inject({ method: "GET", url: `/identity/v3/users/${userId}/access_rules`, token });
  ids["access_rules"] = (rules.body as { access_rules: { id: string }[] }).access_rules[0]?.id ?? "";
}

async function makeCatalog(sampling: Sampling): Promise<void> {
  const { test, ids } = sampling;
  const make = async (collection: string, member: string, fields: object): Promise<void> => {
    ids[collection] = await post(test, test.adminToken, `/identity/v3/${collection}`, member, fields);
  };
  await make("regions", "region", { id: "samples" });
  await make("services", "service", { type: "samples", name: "samples" });
  const endpoint = { service_id: ids["services"], interface: "public", url: "https://sample.test/" };
  await make("endpoints", "endpoint", { ...endpoint, region_id: "samples" });
  const several = async (collection: string, fields: object): Promise<string> => {
    const url = `/identity/v3/${collection}`;
    const answer = await test.inject({ method: "POST", url, token: test.adminToken, body: { [collection]: [fields] } });
    assert.equal(answer.status, 201, answer.text);
    return (answer.body as { [name: string]: { id: string }[] })[collection]?.[0]?.id ?? "";
  };
  const kind = { service_id: ids["services"], resource_name: "samples" };
  ids["registered_limits"] = await several("registered_limits", { ...kind, default_limit: 5 });
  const limit = { ...kind, project_id: ids["projects"], resource_limit: 6 };
  own(sampling, "limits", await several("limits", limit));
}

async function makeNetwork(sampling: Sampling): Promise<void> {
  const { test, ids, ownerToken } = sampling;
  const url = (collection: string): string => `/network/v2.0/${collection}`;
  const external = await post(test, test.adminToken, url("networks"), "network", {
    name: "outside",
    "router:external": true,
    "provider:network_type": "flat",
    "provider:physical_network": "physnet1",
  });
  const outside = { network_id: external, ip_version: 4, cidr: "203.0.113.0/24", enable_dhcp: false };
  await post(test, test.adminToken, url("subnets"), "subnet", outside);
  const make = async (collection: string, member: string, fields: object): Promise<string> =>
    own(sampling, collection, await post(test, ownerToken, url(collection), member, fields));
  const network = await make("networks", "network", { name: "samples" });
  await make("subnets", "subnet", { network_id: network, ip_version: 4, cidr: "10.9.0.0/24" });
  await make("ports", "port", { network_id: network });
  await make("routers", "router", { name: "samples" });
  await makePortForwarding(sampling, external, network);
  const group = await make("security-groups", "security_group", { name: "samples" });
  own(sampling, "os-security-groups", group);
  await make("security-group-rules", "security_group_rule", {
    security_group_id: group,
    direction: "ingress",
    protocol: "tcp",
    port_range_min: 1,
    port_range_max: 2,
  });
  await make("subnetpools", "subnetpool", { name: "samples", prefixes: ["10.10.0.0/16"] });
  await make("address-scopes", "address_scope", { name: "samples", ip_version: 4 });
  await make("address-groups", "address_group", { name: "samples", addresses: ["10.11.0.0/16"] });
  await make("rbac-policies", "rbac_policy", {
    object_type: "network",
    object_id: network,
    action: "access_as_shared",
    target_tenant: "somebody",
  });
  await makeQosPolicy(sampling);
  await make("trunks", "trunk", {
    port_id: await post(test, ownerToken, url("ports"), "port", { network_id: network }),
  });
  ids["quotas"] = ids["projects"] ?? "";
  ids["auto-allocated-topology"] = ids["projects"] ?? "";
  ids["network-ip-availabilities"] = external;
}

/** A floating IP that leads a port to a port behind a router of its own. */
async function makePortForwarding(sampling: Sampling, external: string, network: string): Promise<void> {
  const { test, ids, ownerToken } = sampling;
  const url = (path: string): string => `/network/v2.0/${path}`;
  const wayOut = { name: "way out", external_gateway_info: { network_id: external } };
  const router = await post(test, ownerToken, url("routers"), "router", wayOut);
  const joined = await test.inject({
    method: "PUT",
    url: url(`routers/${router}/add_router_interface`),
    token: ownerToken,
    body: { subnet_id: ids["subnets"] },
  });
  assert.equal(joined.status, 200, joined.text);
  const port = await post(test, ownerToken, url("ports"), "port", { network_id: network });
  const address = { floating_network_id: external };
  const floatingIp = await post(test, ownerToken, url("floatingips"), "floatingip", address);
  own(sampling, "floatingips", floatingIp);
  const forwarding = { protocol: "tcp", internal_port_id: port, internal_port: 22, external_port: 2222 };
  const path = url(`floatingips/${floatingIp}/port_forwardings`);
  own(sampling, "port_forwardings", await post(test, ownerToken, path, "port_forwarding", forwarding));
}

/** Policies are a manager's: an operator makes one for the project. */
async function makeQosPolicy(sampling: Sampling): Promise<void> {
  const { test, ids } = sampling;
  const url = "/network/v2.0/qos/policies";
  const policy = await post(test, test.adminToken, url, "policy", { name: "samples", project_id: ids["projects"] });
  own(sampling, "policies", policy);
  for (const [type, values] of [
    ["bandwidth_limit", { max_kbps: 20_000 }],
    ["dscp_marking", { dscp_mark: 26 }],
    ["minimum_bandwidth", { min_kbps: 1_000 }],
  ] as const) {
    const member = `${type}_rule`;
    const rule = await post(test, test.adminToken, `${url}/${policy}/${member}s`, member, values);
    own(sampling, `${member}s`, rule);
    own(sampling, `alias_${member}s`, rule);
  }
  ids["rule-types"] = "bandwidth_limit";
}

async function makeImage(sampling: Sampling): Promise<void> {
  const { test, ownerToken } = sampling;
  const made = await test.inject({
    method: "POST",
    url: "/image/v2/images",
    token: ownerToken,
    body: { name: "samples", disk_format: "raw", container_format: "bare" },
  });
  assert.equal(made.status, 201, made.text);
  const id = own(sampling, "images", String((made.body as { id: string }).id));
  const sent = await test.inject({
    method: "PUT",
    url: `/image/v2/images/${id}/file`,
    token: ownerToken,
    payload: Buffer.alloc(1 << 20, 7),
    headers: { "content-type": "application/octet-stream" },
  });
  assert.equal(sent.status, 204, sent.text);
}

/** Volumes of which nothing was ever made: no host keeps any here, so an operator says that they are there. */
async function makeVolume(sampling: Sampling): Promise<void> {
  const { test, ids, ownerToken } = sampling;
  const url = (path: string): string => `/volume/v3/${path}`;
  const version = { "openstack-api-version": "volume 3.70" };
  const send = async (path: string, body: object, token = ownerToken): Promise<Made> => {
    const answer = await test.inject({ method: "POST", url: url(path), token, body, headers: version });
    assert.ok(answer.status < 300, `sample ${path}: ${answer.status} ${answer.text}`);
    return answer.body as Made;
  };
  const volume = async (name: string): Promise<string> => {
    const made = await send("volumes", { volume: { size: 1, name, metadata: { "a-key": "value" } } });
    const id = String(made["volume"]?.["id"]);
    await send(`volumes/${id}/action`, { "os-reset_status": { status: "available" } }, test.adminToken);
    return id;
  };
  const id = own(sampling, "volumes", await volume("samples"));
  const snapshot = await send("snapshots", { snapshot: { volume_id: id, metadata: { "a-key": "value" } } });
  own(sampling, "snapshots", String(snapshot["snapshot"]?.["id"]));
  const backup = await send("backups", {
    backup: { volume_id: await volume("backed up"), metadata: { "a-key": "value" } },
  });
  own(sampling, "backups", String(backup["backup"]?.["id"]));
  const attachment = await send("attachments", {
    attachment: { volume_uuid: await volume("reserved"), instance_uuid: "5f1d0b6a-9c3e-4d7f-8a2b-1c0d9e8f7a60" },
  });
  own(sampling, "attachments", String(attachment["attachment"]?.["id"]));
  const transfer = await send("volume-transfers", { transfer: { volume_id: await volume("given"), name: "samples" } });
  const offer = own(sampling, "volume-transfers", String(transfer["transfer"]?.["id"]));
  own(sampling, "os-volume-transfer", offer);
  await send(`volumes/${await volume("uploaded")}/action`, { "os-volume_upload_image": { image_name: "samples" } });
  const message = "0b5c1a52-3f5e-4b1c-9d0e-5a0f6d1c2e99";
  await test.app.db`
    insert into volume_message (id, project_id, resource_type, resource_id, event_id, text, created_at, expires_at)
    values (${message}, ${ids["projects"] ?? ""}, 'VOLUME', ${id}, 'VOLUME_VOLUME_001_003', 'a sample', now(), now() + interval '1 day')`;
  own(sampling, "messages", message);
  const type = await send(
    "types",
    { volume_type: { name: "samples", extra_specs: { "a:key": "value" } } },
    test.adminToken,
  );
  ids["types"] = String(type["volume_type"]?.["id"]);
  const qos = await send("qos-specs", { qos_specs: { name: "samples", read_iops_sec: "100" } }, test.adminToken);
  ids["qos-specs"] = String(qos["qos_specs"]?.["id"]);
  await makeVolumeGroup(sampling, send);
  Object.assign(ids, {
    "default-types": ids["projects"],
    extra_specs: "a:key",
    encryption: "provider",
    capabilities: "none",
  });
}

type Send = (path: string, body: object, token?: string) => Promise<Made>;

/** A group with a volume in it, and a snapshot of both. */
async function makeVolumeGroup(sampling: Sampling, send: Send): Promise<void> {
  const { test, ids } = sampling;
  const wanted = { name: "samples", group_specs: { "a:key": "value" } };
  const type = await send("group_types", { group_type: wanted }, test.adminToken);
  ids["group_types"] = String(type["group_type"]?.["id"]);
  ids["group_specs"] = "a:key";
  const fields = { name: "samples", group_type: "samples", volume_types: ["standard"] };
  const group = await send("groups", { group: fields });
  const id = own(sampling, "volume_groups", String(group["group"]?.["id"]));
  const volume = { size: 1, name: "grouped", volume_type: "standard", group_id: id };
  const { volume: made } = await send("volumes", { volume });
  const settled = { "os-reset_status": { status: "available" } };
  await send(`volumes/${String(made?.["id"])}/action`, settled, test.adminToken);
  const snapshot = await send("group_snapshots", { group_snapshot: { group_id: id, name: "samples" } });
  own(sampling, "group_snapshots", String(snapshot["group_snapshot"]?.["id"]));
}

/** Another program serves it (apps/object-store): here are only its rows. */
async function makeObjectStore({ test, ids }: Sampling): Promise<void> {
  const projectId = ids["projects"] ?? "";
  const { db, keys } = test.app;
  const wrap = (name: string): Promise<Buffer> => keys.wrapForProject(db, projectId, Buffer.alloc(32, 7), name);
  const metadata = { "temp-url-key": SAMPLE_SECRET, color: "green" };
  await db`insert into object_account (project_id, metadata) values (${projectId}, ${db.json(metadata)})`;
  const name = "object-container/sample";
  await db`
    with container as (
      insert into object_container (project_id, name, wrapped_key, wrapped_name, settings, created_by)
      values (${projectId}, 'samples', ${await wrap(name)}, ${name}, ${db.json({ tempUrlKeys: [SAMPLE_SECRET] })}, 'sample')
      returning id
    ), usage as (
      insert into object_usage (container_id, slot, objects, bytes) select id, 0, 1, 3 from container
    ), upload as (
      insert into object_upload (id, container_id, key, initiated_by, content_type)
      select 'sample', id, 'whole', 'sample', 'text/plain' from container
    )
    insert into object (container_id, key, sequence, version_id, is_current, size, etag, content_type, modified_at)
    select id, 'sample', 1, 'null', true, 3, 'sample', 'text/plain', now() from container`;
  await db`insert into object_part (upload_id, number, sequence, size, etag) values ('sample', 1, 2, 3, 'sample')`;
  await db`
    insert into object_chunk (writer_id, address, owner, start, bytes, sealed_bytes)
    values (1, 'one', 1, 0, 3, 40), (1, 'two', 2, 0, 3, 40)`;
  await db`
    insert into object_key (project_id, name, wrapped_key)
    values (${projectId}, 'sample', ${await wrap("object-key/sample")})`;
  await db`insert into object_traffic (project_id, hour, reads) values (${projectId}, now(), 1)`;
}

/** Operators alone make these, for whom they like. */
async function makeMetadefs({ test, ids }: Sampling): Promise<void> {
  const body = {
    namespace: "samples",
    owner: ids["projects"],
    objects: [{ name: "sample" }],
    properties: { sample: { title: "Sample", type: "string" } },
    tags: [{ name: "a-tag" }],
    resource_type_associations: [{ name: "sample" }],
  };
  const url = "/image/v2/metadefs/namespaces";
  const made = await test.inject({ method: "POST", url, token: test.adminToken, body });
  assert.equal(made.status, 201, made.text);
}

async function makeCompute(sampling: Sampling): Promise<void> {
  const { test, ids, owned, ownerToken } = sampling;
  const url = (collection: string): string => `/compute/v2.1/${collection}`;
  const flavor = { name: "sample", ram: 64, vcpus: 1, disk: 1 };
  ids["flavors"] = await post(test, test.adminToken, url("flavors"), "flavor", flavor);
  await post(test, ownerToken, url("os-keypairs"), "keypair", { name: "samples" });
  own(sampling, "os-keypairs", "samples");
  const server = {
    name: "sample",
    imageRef: ids["images"],
    flavorRef: ids["flavors"],
    networks: [{ uuid: ids["networks"] }],
    adminPass: SAMPLE_SECRET,
    block_device_mapping_v2: [
      { source_type: "image", destination_type: "local", uuid: ids["images"], boot_index: 0 },
      { source_type: "blank", destination_type: "volume", volume_size: 1, delete_on_termination: true },
    ],
  };
  own(sampling, "servers", await post(test, ownerToken, url("servers"), "server", server));
  own(
    sampling,
    "os-server-groups",
    await post(test, ownerToken, url("os-server-groups"), "server_group", {
      name: "samples",
      policies: ["affinity"],
    }),
  );
  ids["os-aggregates"] = await post(test, test.adminToken, url("os-aggregates"), "aggregate", { name: "samples" });
  ids["os-volume_attachments"] = "none";
  for (const gone of GONE_FROM_COMPUTE) ids[gone] = "none";
  for (const name of ["os-networks", "os-tenant-networks"]) own(sampling, name, ids["networks"] ?? "");
  own(sampling, "os-floating-ips", ids["floatingips"] ?? "");
  own(sampling, "os-security-group-rules", ids["security-group-rules"] ?? "");
  ids["os-interface"] = ids["ports"] ?? "";
  ids["os-quota-sets"] = ids["projects"] ?? "";
  owned.add("os-quota-sets");
  Object.assign(ids, {
    "os-quota-class-sets": "default",
    "os-hosts": "none",
    "os-instance_usage_audit_log": "none",
    "os-assisted-volume-snapshots": "none",
    "os-console-auth-tokens": "none",
    "project-purges": "none",
    "os-volumes": "none",
    "os-snapshots": "none",
  });
  own(sampling, "os-volumes_boot", ids["servers"] ?? "");
  own(sampling, "os-simple-tenant-usage", ids["projects"] ?? "");
  ids["os-hypervisors"] = "1";
  ids["os-services"] = "1";
}
