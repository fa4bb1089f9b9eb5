/** The wire of everything but servers' lives: versions, flavors, key pairs, quotas, hosts, interfaces. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { waitUntil } from "@andromede/base/waiting";

import { networkReconcilers } from "../network/reconcilers.ts";
import { networkService } from "../network/service.ts";
import { markHostLost } from "./hosts/receive-report.ts";
import { type ComputeLab, type Wire, createComputeLab } from "./testing/compute-lab.ts";

let lab: ComputeLab;
before(async () => {
  lab = await createComputeLab({ services: [networkService], reconcilers: networkReconcilers });
});
after(() => lab.close());

const until = (id: string, status: string) =>
  waitUntil(`${status} of ${id}`, async () => (await lab.status(id)) === status, { timeoutMs: 30_000, everyMs: 5 });
const asAdmin = (method: string, path: string, body?: unknown, version: string | null = "2.93") =>
  lab.call(method, path, body, { version, token: lab.adminToken });
const names = (list: Wire[]): string[] => list.map((one) => String(one.name));

describe("versions", () => {
  test("the list is open to all, and begins with v2.0", async () => {
    const answer = await lab.inject({ method: "GET", url: "/compute/" });
    assert.equal(answer.status, 200);
    const { versions } = answer.body as Wire;
    assert.deepEqual(
      versions.map((one: Wire) => one.id),
      ["v2.0", "v2.1"],
    );
    assert.deepEqual([versions[1].min_version, versions[1].version], ["2.1", "2.93"]);
    const one = await lab.inject({ method: "GET", url: "/compute/v2.1/" });
    assert.equal((one.body as Wire).version.id, "v2.1");
  });

  test("either header asks for a microversion, and both are answered", async () => {
    const answer = await lab.inject({
      method: "GET",
      url: "/compute/v2.1/flavors",
      token: lab.token,
      headers: { "x-openstack-nova-api-version": "2.26" },
    });
    assert.equal(answer.headers["x-openstack-nova-api-version"], "2.26");
    assert.equal(answer.headers["openstack-api-version"], "compute 2.26");
    assert.equal((await lab.call("GET", "/flavors", undefined, { version: "2.94" })).status, 406);
  });
});

describe("flavors", () => {
  const make = (flavor: object, version?: string) => asAdmin("POST", "/flavors", { flavor }, version);

  test("an operator makes, describes and deletes them; a customer does not", async () => {
    const flavor = { name: "m1", id: "m1", ram: "512", vcpus: 1, disk: 2, swap: 512, "OS-FLV-EXT-DATA:ephemeral": 1 };
    assert.equal((await lab.call("POST", "/flavors", { flavor })).status, 403);
    const made = await make(flavor);
    assert.equal(made.status, 200);
    assert.deepEqual(
      [made.body.flavor.ram, made.body.flavor.swap, made.body.flavor.extra_specs, made.body.flavor.description],
      [512, 512, {}, null],
    );
    assert.equal((await make(flavor)).status, 409);
    assert.equal((await make({ ...flavor, id: "other" })).status, 409);
    assert.equal((await make({ ...flavor, name: "m2", id: "m2", ram: "99999999999" })).status, 400);
    assert.equal((await make({ ...flavor, name: "m2", id: "m2", description: "x" }, "2.54")).status, 400);
    assert.equal(
      (await asAdmin("PUT", "/flavors/m1", { flavor: { description: "small" } })).body.flavor.description,
      "small",
    );
    assert.equal((await asAdmin("PUT", "/flavors/m1", { flavor: { description: "small" } }, "2.54")).status, 404);
    assert.equal((await asAdmin("DELETE", "/flavors/m1")).status, 202);
    assert.equal((await asAdmin("DELETE", "/flavors/m1")).status, 404);
  });

  test("entries and details agree, and have each microversion's fields", async () => {
    const { body: old } = await lab.call("GET", "/flavors/tiny", undefined, { version: null });
    assert.equal(old.flavor.swap, "");
    assert.deepEqual(Object.keys(old.flavor).toSorted(), [
      "OS-FLV-DISABLED:disabled",
      "OS-FLV-EXT-DATA:ephemeral",
      "disk",
      "id",
      "links",
      "name",
      "os-flavor-access:is_public",
      "ram",
      "rxtx_factor",
      "swap",
      "vcpus",
    ]);
    const { body: list } = await lab.call("GET", "/flavors", undefined, { version: null });
    const { id, name, links } = old.flavor;
    assert.deepEqual(list.flavors[0], { id, name, links });
    const { body: detail } = await lab.call("GET", "/flavors/detail", undefined, { version: null });
    assert.deepEqual(detail.flavors[0], old.flavor);
    assert.equal((await lab.call("GET", "/flavors/tiny")).body.flavor.swap, 0);
  });

  test("pages, sorting and minima", async () => {
    for (const [id, ram] of [
      ["a1", 100],
      ["a2", 300],
      ["a3", 200],
    ])
      await make({ id, name: id, ram, vcpus: 1, disk: 0 });
    const list = async (query: string) => (await lab.call("GET", `/flavors?${query}`)).body;
    assert.deepEqual(names((await list("minRam=150")).flavors), ["a2", "a3"]);
    assert.deepEqual(names((await list("sort_key=memory_mb&sort_dir=desc&limit=2")).flavors), ["a2", "a3"]);
    const first = await list("limit=2");
    assert.deepEqual(names(first.flavors), ["a1", "a2"]);
    const next = await lab.inject({
      method: "GET",
      url: new URL(first.flavors_links[0].href).pathname + new URL(first.flavors_links[0].href).search,
      token: lab.token,
    });
    assert.deepEqual(names((next.body as Wire).flavors), ["a3", "tiny"]);
    for (const bad of ["limit=-1", "limit=x", "marker=none", "minRam=x", "sort_key=x", "sort_dir=up"]) {
      assert.equal((await lab.call("GET", `/flavors?${bad}`)).status, 400, bad);
    }
  });

  test("one that is not public is for those who were let in", async () => {
    await make({ id: "secret", name: "secret", ram: 1, vcpus: 1, disk: 0, "os-flavor-access:is_public": false });
    assert.equal((await lab.call("GET", "/flavors/secret")).status, 404);
    const added = await asAdmin("POST", "/flavors/secret/action", { addTenantAccess: { tenant: lab.projectId } });
    assert.deepEqual(added.body, { flavor_access: [{ flavor_id: "secret", tenant_id: lab.projectId }] });
    assert.equal((await lab.call("GET", "/flavors/secret")).status, 200);
    assert.equal(
      (await asAdmin("POST", "/flavors/secret/action", { addTenantAccess: { tenant: lab.projectId } })).status,
      409,
    );
    assert.equal((await asAdmin("GET", "/flavors/secret/os-flavor-access")).status, 200);
    assert.equal((await asAdmin("GET", "/flavors/tiny/os-flavor-access")).status, 404);
    await asAdmin("POST", "/flavors/secret/action", { removeTenantAccess: { tenant: lab.projectId } });
    assert.equal((await lab.call("GET", "/flavors/secret")).status, 404);
    assert.ok(names((await asAdmin("GET", "/flavors?is_public=None")).body.flavors).includes("secret"));
    assert.ok(!names((await asAdmin("GET", "/flavors")).body.flavors).includes("secret"));
  });

  test("extra specs", async () => {
    assert.equal(
      (await asAdmin("POST", "/flavors/tiny/os-extra_specs", { extra_specs: { "hw:cpu_cores": 1 } })).status,
      200,
    );
    assert.deepEqual((await lab.call("GET", "/flavors/tiny/os-extra_specs")).body, {
      extra_specs: { "hw:cpu_cores": "1" },
    });
    assert.deepEqual(
      (await asAdmin("PUT", "/flavors/tiny/os-extra_specs/hw:cpu_cores", { "hw:cpu_cores": "2" })).body,
      {
        "hw:cpu_cores": "2",
      },
    );
    assert.equal(
      (await asAdmin("PUT", "/flavors/tiny/os-extra_specs/hw:cpu_sockets", { "hw:cpu_cores": "2" })).status,
      400,
    );
    assert.equal((await asAdmin("DELETE", "/flavors/tiny/os-extra_specs/hw:cpu_cores")).status, 200);
    assert.equal((await lab.call("GET", "/flavors/tiny/os-extra_specs/hw:cpu_cores")).status, 404);
    assert.equal((await asAdmin("DELETE", "/flavors/tiny/os-extra_specs/hw:cpu_cores")).status, 404);
    const invented = { extra_specs: { "hw:x": 1 } };
    assert.equal((await asAdmin("POST", "/flavors/tiny/os-extra_specs", invented, "2.85")).status, 200);
    assert.equal((await asAdmin("POST", "/flavors/tiny/os-extra_specs", invented, "2.86")).status, 400);
    assert.equal((await asAdmin("DELETE", "/flavors/tiny/os-extra_specs/hw:x")).status, 200);
  });
});

describe("key pairs", () => {
  const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHl2ahBqXvzLWyNbn0xeHfCeWlmbPTEqdLMGxOkcMbh5 me@here";

  test("codes and fields at 2.1 and 2.2", async () => {
    const old = await lab.call(
      "POST",
      "/os-keypairs",
      { keypair: { name: "old", public_key: KEY } },
      { version: null },
    );
    assert.equal(old.status, 200);
    assert.deepEqual(Object.keys(old.body.keypair).toSorted(), ["fingerprint", "name", "public_key", "user_id"]);
    const made = await lab.call(
      "POST",
      "/os-keypairs",
      { keypair: { name: "made", type: "x509" } },
      { version: "2.2" },
    );
    assert.equal(made.status, 201);
    assert.match(made.body.keypair.private_key, /PRIVATE KEY/);
    assert.equal(made.body.keypair.type, "x509");
    assert.equal((await lab.call("POST", "/os-keypairs", { keypair: { name: "made" } })).status, 400);
    assert.equal((await lab.call("POST", "/os-keypairs", { keypair: { name: "old", public_key: KEY } })).status, 409);
    assert.equal(
      (await lab.call("POST", "/os-keypairs", { keypair: { name: "bad", public_key: "ssh-rsa x" } })).status,
      400,
    );
    const list = await lab.call("GET", "/os-keypairs", undefined, { version: null });
    assert.deepEqual(
      list.body.keypairs.map((one: Wire) => one.keypair.name),
      ["made", "old"],
    );
    const page = await lab.call("GET", "/os-keypairs?limit=1");
    assert.equal(page.body.keypairs_links[0].rel, "next");
    const shown = await lab.call("GET", "/os-keypairs/old", undefined, { version: null });
    assert.equal(shown.body.keypair.deleted, false);
    assert.equal((await lab.call("GET", "/os-keypairs/old", undefined, { token: lab.tokenFor() })).status, 404);
    assert.equal((await lab.call("DELETE", "/os-keypairs/old", undefined, { version: null })).status, 202);
    assert.equal((await lab.call("DELETE", "/os-keypairs/made")).status, 204);
    assert.equal((await lab.call("DELETE", "/os-keypairs/made")).status, 404);
  });

  test("another user's are an operator's business", async () => {
    const token = lab.tokenFor({ userId: "somebody" });
    await lab.call("POST", "/os-keypairs", { keypair: { name: "theirs", public_key: KEY } }, { token });
    assert.equal((await lab.call("GET", "/os-keypairs?user_id=somebody")).status, 403);
    assert.equal((await asAdmin("GET", "/os-keypairs?user_id=somebody")).body.keypairs.length, 1);
  });
});

describe("quotas and limits", () => {
  test("shapes by microversion; own project only; an operator sets them", async () => {
    const path = `/os-quota-sets/${lab.projectId}`;
    const old = await lab.call("GET", path, undefined, { version: null });
    for (const name of [
      "instances",
      "cores",
      "ram",
      "floating_ips",
      "fixed_ips",
      "security_groups",
      "injected_files",
      "server_groups",
    ]) {
      assert.equal(typeof old.body.quota_set[name], "number", name);
    }
    assert.equal(old.body.quota_set.id, lab.projectId);
    assert.deepEqual(Object.keys((await lab.call("GET", path)).body.quota_set).toSorted(), [
      "cores",
      "id",
      "instances",
      "key_pairs",
      "metadata_items",
      "ram",
      "server_group_members",
      "server_groups",
    ]);
    assert.equal((await lab.call("GET", "/os-quota-sets/other")).status, 403);
    assert.equal((await lab.call("PUT", path, { quota_set: { instances: 99 } })).status, 403);
    assert.equal(
      (await asAdmin("PUT", path, { quota_set: { instances: 20, cores: -1 } })).body.quota_set.instances,
      20,
    );
    assert.equal((await asAdmin("PUT", path, { quota_set: { nonsense: 1 } })).status, 400);
    assert.equal((await asAdmin("PUT", path, { quota_set: { instances: 99_999_999_999 } })).status, 400);
    assert.equal((await lab.call("GET", "/limits")).body.limits.absolute.maxTotalInstances, 20);
    assert.equal((await lab.call("GET", `${path}/defaults`)).body.quota_set.instances, 10);
    assert.equal((await asAdmin("DELETE", path)).status, 202);
    assert.equal((await lab.call("GET", `${path}/detail`)).body.quota_set.instances.limit, 10);
  });
});

describe("hosts", () => {
  test("zones for all, hypervisors and services for operators", async () => {
    const zones = await lab.call("GET", "/os-availability-zone");
    assert.deepEqual(zones.body, {
      availabilityZoneInfo: [{ zoneName: "nova", zoneState: { available: true }, hosts: null }],
    });
    assert.equal((await lab.call("GET", "/os-availability-zone/detail")).status, 403);
    assert.ok(
      (await asAdmin("GET", "/os-availability-zone/detail")).body.availabilityZoneInfo[0].hosts.host1["nova-compute"]
        .active,
    );
    assert.equal((await lab.call("GET", "/os-hypervisors")).status, 403);
    const [old] = (await asAdmin("GET", "/os-hypervisors/detail", undefined, null)).body.hypervisors;
    assert.equal(typeof old.id, "number");
    assert.equal(old.vcpus, 64);
    assert.equal((await asAdmin("GET", `/os-hypervisors/${old.id}`, undefined, null)).status, 200);
    assert.equal(
      (await asAdmin("GET", "/os-hypervisors/statistics", undefined, null)).body.hypervisor_statistics.count,
      1,
    );
    assert.equal((await asAdmin("GET", "/os-hypervisors/statistics")).status, 404);
    const [now] = (await asAdmin("GET", "/os-hypervisors/detail?with_servers=true")).body.hypervisors;
    assert.equal(now.vcpus, undefined);
    assert.equal((await asAdmin("GET", `/os-hypervisors/${now.id}`)).body.hypervisor.id, now.id);
    assert.equal((await asAdmin("GET", "/os-hypervisors/none")).status, 404);
    assert.equal((await asAdmin("GET", "/os-hypervisors/fake/search", undefined, null)).body.hypervisors.length, 1);
    assert.equal((await asAdmin("GET", "/os-hypervisors/100%25/search", undefined, null)).status, 404);
  });

  test("a disabled host gets no servers; one that is lost is down, until it reports again", async () => {
    const [service] = (await asAdmin("GET", "/os-services?binary=nova-compute")).body.services;
    assert.deepEqual([service.host, service.state, service.status], ["host1", "up", "enabled"]);
    const path = `/os-services/${service.id}`;
    assert.equal(
      (await asAdmin("PUT", path, { status: "disabled", disabled_reason: "repair" })).body.service.disabled_reason,
      "repair",
    );
    const id = await lab.boot();
    await until(id, "ERROR");
    assert.equal((await asAdmin("PUT", path, { status: "enabled" })).body.service.status, "enabled");
    assert.equal(
      (await asAdmin("POST", `/servers/${id}/action`, { "os-resetState": { state: "active" } })).status,
      202,
    );
    await until(id, "ACTIVE");
    const toggled = await asAdmin(
      "PUT",
      "/os-services/disable-log-reason",
      { host: "host1", binary: "nova-compute", disabled_reason: "x" },
      null,
    );
    assert.deepEqual(toggled.body.service, {
      host: "host1",
      binary: "nova-compute",
      status: "disabled",
      disabled_reason: "x",
    });
    await asAdmin("PUT", "/os-services/enable", { host: "host1", binary: "nova-compute" }, null);
    await markHostLost(lab.app, "host1");
    assert.equal((await asAdmin("GET", "/os-services")).body.services[0].state, "down");
    assert.equal((await asAdmin("GET", `/servers/${id}`)).body.server.host_status, "DOWN");
    await lab.agent.fullReport();
    assert.equal((await asAdmin("GET", "/os-services")).body.services[0].state, "up");
    await lab.call("DELETE", `/servers/${id}`);
    await until(id, "404");
  });

  test("what the host does not hear while it is away, it hears when it is back", async () => {
    const id = await lab.boot();
    await until(id, "ACTIVE");
    await lab.drain();
    lab.agent.away = true;
    assert.equal((await lab.call("POST", `/servers/${id}/action`, { "os-stop": null })).status, 202);
    await waitUntil("a try to tell it", () => lab.agent.calls.includes(`put ${id} 2 stopped`), {
      timeoutMs: 30_000,
      everyMs: 5,
    });
    lab.agent.away = false;
    await lab.agent.fullReport();
    await until(id, "SHUTOFF");
    await lab.call("DELETE", `/servers/${id}`);
    await until(id, "404");
  });
});

describe("a server on a network", () => {
  let networkId: string;
  const neutron = async (method: string, path: string, body?: unknown): Promise<Wire> =>
    (
      await lab.inject({
        method,
        url: `/network/v2.0${path}`,
        token: lab.token,
        ...(body === undefined ? {} : { body }),
      })
    ).body;
  before(async () => {
    networkId = (await neutron("POST", "/networks", { network: { name: "blue" } })).network.id;
    await neutron("POST", "/subnets", { subnet: { network_id: networkId, ip_version: 4, cidr: "10.1.0.0/24" } });
  });

  test("addresses, groups and interfaces; they go with the server", async () => {
    const id = await lab.boot({ networks: [{ uuid: networkId, tag: "front" }] });
    await until(id, "ACTIVE");
    const { server } = (await lab.call("GET", `/servers/${id}`)).body;
    const [address] = server.addresses.blue;
    assert.deepEqual([address.version, address["OS-EXT-IPS:type"]], [4, "fixed"]);
    assert.deepEqual(server.security_groups, [{ name: "default" }]);
    const [attachment] = (await lab.call("GET", `/servers/${id}/os-interface`)).body.interfaceAttachments;
    assert.equal(attachment.fixed_ips[0].ip_address, address.addr);
    assert.equal(attachment.tag, "front");
    assert.deepEqual((await lab.call("GET", `/servers/${id}/ips/blue`)).body, {
      blue: [{ version: 4, addr: address.addr }],
    });
    const spec = lab.agent.specs.get(id);
    assert.deepEqual(spec?.addresses, [{ networkId, address: address.addr }]);
    const networkData = JSON.parse(spec?.metadata.files["openstack/latest/network_data.json"] ?? "{}");
    assert.equal(networkData.links[0].ethernet_mac_address, address["OS-EXT-IPS-MAC:mac_addr"]);
    const added = await lab.call("POST", `/servers/${id}/os-interface`, { interfaceAttachment: { net_id: networkId } });
    assert.equal(added.status, 200);
    await waitUntil("the guest to have two", () => lab.agent.specs.get(id)?.interfaces.length === 2, {
      timeoutMs: 30_000,
      everyMs: 5,
    });
    await lab.drain();
    const portId = added.body.interfaceAttachment.port_id;
    assert.equal((await lab.call("DELETE", `/servers/${id}/os-interface/${portId}`)).status, 202);
    assert.equal((await lab.call("GET", `/servers/${id}/os-interface/${portId}`)).status, 404);
    await waitUntil("the guest to have one", () => lab.agent.specs.get(id)?.interfaces.length === 1, {
      timeoutMs: 30_000,
      everyMs: 5,
    });
    const list = await lab.call("GET", `/servers?ip=${address.addr.replaceAll(".", "\\.")}`);
    assert.deepEqual(
      list.body.servers.map((one: Wire) => one.id),
      [id],
    );
    await lab.drain();
    await lab.call("DELETE", `/servers/${id}`);
    await until(id, "404");
    assert.deepEqual((await neutron("GET", `/ports?device_id=${id}`)).ports, []);
  });

  test("security groups by name, added and removed", async () => {
    await neutron("POST", "/security-groups", { security_group: { name: "web" } });
    const id = await lab.boot({ networks: [{ uuid: networkId }] });
    await until(id, "ACTIVE");
    const act = (action: object) => lab.call("POST", `/servers/${id}/action`, action);
    assert.equal((await act({ addSecurityGroup: { name: "web" } })).status, 202);
    const groups = (await lab.call("GET", `/servers/${id}/os-security-groups`)).body.security_groups;
    assert.deepEqual(names(groups).toSorted(), ["default", "web"]);
    assert.equal((await act({ removeSecurityGroup: { name: "web" } })).status, 202);
    assert.equal((await act({ removeSecurityGroup: { name: "web" } })).status, 404);
    assert.equal((await act({ addSecurityGroup: { name: "none" } })).status, 404);
    await lab.call("DELETE", `/servers/${id}`);
    await until(id, "404");
  });

  test("the older door to security groups: ids for clients that look there, and what rules let in", async () => {
    const old = { version: null };
    const path = "/os-security-groups";
    const fields = { name: " a b ", description: "d" };
    const made = await lab.call("POST", path, { security_group: fields }, old);
    assert.equal(made.status, 200);
    const group = made.body.security_group;
    assert.deepEqual(group, { id: group.id, ...fields, tenant_id: lab.projectId, rules: [] });
    const shown = async () => (await lab.call("GET", `${path}/${group.id}`, undefined, old)).body.security_group;
    assert.deepEqual(await shown(), group);
    const listed = async (query = ""): Promise<Wire[]> =>
      (await lab.call("GET", `${path}${query}`, undefined, old)).body.security_groups;
    assert.deepEqual(names(await listed()).toSorted(), [" a b ", "default", "web"]);
    assert.deepEqual(await listed("?limit=1&offset=1"), (await listed()).slice(1, 2));
    assert.equal((await lab.call("GET", `${path}?offset=-1`, undefined, old)).status, 400);
    const ingress = { security_group_id: group.id, direction: "ingress" };
    const rules = [
      { protocol: "tcp", port_range_min: 22, port_range_max: 23, remote_ip_prefix: "10.0.0.0/8" },
      { protocol: "udp", ethertype: "IPv6" },
      { remote_group_id: group.id },
    ];
    for (const rule of rules)
      await neutron("POST", "/security-group-rules", { security_group_rule: { ...ingress, ...rule } });
    assert.deepEqual(
      (await shown()).rules.map(({ ip_protocol, from_port, to_port, group: from, ip_range }: Wire) => [
        ip_protocol,
        from_port,
        to_port,
        from,
        ip_range,
      ]),
      [
        ["tcp", 22, 23, {}, { cidr: "10.0.0.0/8" }],
        ["udp", 1, 65_535, {}, { cidr: "::/0" }],
        [null, null, null, { name: " a b ", tenant_id: lab.projectId }, {}],
      ],
    );
    const renamed = await lab.call("PUT", `${path}/${group.id}`, { security_group: { name: "c" } }, old);
    assert.deepEqual(
      [renamed.status, renamed.body.security_group.name, renamed.body.security_group.description],
      [200, "c", "d"],
    );
    const id = await lab.boot({ networks: [{ uuid: networkId }], security_groups: [{ name: "c" }] });
    await until(id, "ACTIVE");
    const ofServer = (await lab.call("GET", `/servers/${id}/os-security-groups`)).body.security_groups;
    assert.deepEqual(ofServer, [await shown()]);
    const remove = async (which: string) => (await lab.call("DELETE", `${path}/${which}`, undefined, old)).status;
    assert.equal(await remove(group.id), 400, "in use");
    await lab.call("DELETE", `/servers/${id}`);
    await until(id, "404");
    assert.equal(await remove(group.id), 202);
    assert.equal(await remove(group.id), 404);
    assert.equal(await remove((await listed()).find(({ name }) => name === "default").id), 400, "the default group");
    assert.equal((await lab.call("POST", path, { security_group: { name: "default" } }, old)).status, 403);
    assert.equal((await lab.call("GET", path, undefined, { version: "2.36" })).status, 404);
  });

  test("a network that is not there refuses the server, and takes nothing of the quota", async () => {
    const used = async () => (await lab.call("GET", "/limits")).body.limits.absolute.totalInstancesUsed;
    const before = await used();
    const server = {
      name: "x",
      flavorRef: "tiny",
      imageRef: lab.imageId,
      networks: [{ uuid: "00000000-0000-4000-8000-000000000000" }],
    };
    assert.equal((await lab.call("POST", "/servers", { server })).status, 400);
    assert.equal(await used(), before);
  });
});
