import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { type World, createWorld, errorOf, externalNetwork, networkWithSubnet } from "../testing/network-world.ts";

let world: World;
before(async () => {
  world = await createWorld();
});
after(() => world.close());

test("version documents: one version, and no token needed", async () => {
  for (const path of ["/network/", "/network", "/network/v2.0", "/network/v2.0/"]) {
    const answer = await world.test.inject({ method: "GET", url: path });
    assert.equal(answer.status, 200, path);
  }
  const { versions } = (await world.test.inject({ method: "GET", url: "/network/" })).body as {
    versions: { id: string; status: string; links: unknown[] }[];
  };
  assert.deepEqual(
    versions.map((version) => version.id),
    ["v2.0"],
  );
});

test("a network's life", async () => {
  const tenant = world.tenant();
  const made = await tenant.create("network", { name: " name <&> été ", description: "d" });
  assert.equal(made["status"], "ACTIVE");
  assert.equal(made["name"], " name <&> été ");
  assert.equal(made["mtu"], 1442);
  assert.deepEqual([made["tenant_id"], made["project_id"]], [tenant.projectId, tenant.projectId]);
  assert.equal("provider:network_type" in made, false);
  assert.deepEqual(await tenant.show("network", made.id), made);
  const { network } = (await tenant.expect(200, "PUT", `/v2.0/networks/${made.id}`, {
    network: { name: "new", mtu: 1300 },
  })) as unknown as { network: { name: string; mtu: number; revision_number: number } };
  assert.deepEqual([network.name, network.mtu, network.revision_number], ["new", 1300, 2]);
  await tenant.expect(204, "DELETE", `/v2.0/networks/${made.id}`);
  await tenant.expect(404, "GET", `/v2.0/networks/${made.id}`);
  await tenant.expect(404, "DELETE", `/v2.0/networks/${made.id}`);
});

test("deleting a network takes its subnets and its own port, and nothing that is used", async () => {
  const tenant = world.tenant();
  const { network, subnet } = await networkWithSubnet(tenant);
  const port = await tenant.create("port", { network_id: network.id });
  assert.equal(errorOf(await tenant.call("DELETE", `/v2.0/networks/${network.id}`)).type, "NetworkInUse");
  await tenant.expect(204, "DELETE", `/v2.0/ports/${port.id}`);
  await tenant.expect(204, "DELETE", `/v2.0/networks/${network.id}`);
  await tenant.expect(404, "GET", `/v2.0/subnets/${subnet.id}`);
  assert.deepEqual(await tenant.list("port", `?network_id=${network.id}`), []);
});

test("bulk creation keeps the order and is all or nothing", async () => {
  const tenant = world.tenant();
  const { networks } = (await tenant.expect(201, "POST", "/v2.0/networks", {
    networks: [{ name: "a" }, { name: "b" }, { name: "c" }],
  })) as unknown as { networks: { id: string; name: string }[] };
  assert.deepEqual(
    networks.map((network) => network.name),
    ["a", "b", "c"],
  );
  const [first] = networks;
  await tenant.expect(404, "POST", "/v2.0/ports", { ports: [{ network_id: first?.id }, { network_id: "nowhere" }] });
  assert.deepEqual(await tenant.list("port"), []);
});

test("what is others' does not exist, what is shared or external is seen, and only operators say so", async () => {
  const [owner, stranger] = [world.tenant(), world.tenant()];
  const own = await owner.create("network", { name: "own" });
  for (const [method, body] of [
    ["GET", undefined],
    ["PUT", { network: { name: "x" } }],
    ["DELETE", undefined],
  ] as const) {
    await stranger.expect(404, method, `/v2.0/networks/${own.id}`, body);
  }
  const refused = await owner.call("POST", "/v2.0/networks", { network: { name: "s", shared: true } });
  assert.deepEqual([refused.status, errorOf(refused).type], [403, "PolicyNotAuthorized"]);
  await owner.expect(403, "PUT", `/v2.0/networks/${own.id}`, { network: { "router:external": true } });
  const shared = await world.operator.create("network", { name: "shared", shared: true });
  assert.equal((await stranger.show("network", shared.id))["name"], "shared");
  await stranger.expect(403, "DELETE", `/v2.0/networks/${shared.id}`);
  const foreign = await owner.call("POST", "/v2.0/networks", { network: { tenant_id: stranger.projectId } });
  assert.equal(foreign.status, 400);
  const given = await world.operator.create("network", { tenant_id: stranger.projectId });
  assert.equal((await stranger.show("network", given.id))["project_id"], stranger.projectId);
});

test("the external network: found by filter, its subnets not shown", async () => {
  const tenant = world.tenant();
  const { network } = await externalNetwork(world.operator);
  const found = await tenant.list(
    "network",
    "?router%3Aexternal=True&fields=id&fields=router%3Aexternal&fields=shared",
  );
  assert.ok(found.length > 0);
  for (const one of found) assert.deepEqual(Object.keys(one).toSorted(), ["id", "router:external", "shared"]);
  assert.ok(found.every((one) => one["router:external"] === true));
  assert.deepEqual(await tenant.list("subnet", `?network_id=${network.id}`), []);
  await tenant.expect(403, "POST", "/v2.0/ports", { port: { network_id: network.id } });
});

test("filters, sorting and pages with links", async () => {
  const tenant = world.tenant();
  for (const name of ["c", "a", "e", "b", "d"])
    await tenant.create("network", { name, description: name < "c" ? "low" : "high" });
  assert.deepEqual(
    (await tenant.list("network", "?name=a&name=e&sort_key=name&sort_dir=desc")).map((one) => one["name"]),
    ["e", "a"],
  );
  const names: string[] = [];
  let path: string | undefined =
    "/v2.0/networks?limit=2&sort_key=description&sort_dir=desc&sort_key=name&sort_dir=asc&description=low&description=high";
  while (path !== undefined) {
    const body = (await tenant.expect(200, "GET", path)) as unknown as {
      networks: { name: string }[];
      networks_links?: { rel: string; href: string }[];
    };
    names.push(...body.networks.map((one) => one.name));
    const next: { href: string } | undefined = body.networks_links?.find((link) => link.rel === "next");
    path = next === undefined ? undefined : next.href.slice(next.href.indexOf("/v2.0"));
  }
  assert.deepEqual(names, ["a", "b", "c", "d", "e"]);
  const last = await tenant.list("network", "?name=e");
  const back = await tenant.list(
    "network",
    `?limit=2&sort_key=name&sort_dir=asc&page_reverse=True&marker=${last[0]?.id}&name=a&name=b&name=c&name=d&name=e`,
  );
  assert.deepEqual(
    back.map((one) => one["name"]),
    ["c", "d"],
  );
  for (const query of ["?colour=blue", "?limit=-1", "?sort_key=colour", "?shared=maybe"])
    await tenant.expect(400, "GET", `/v2.0/networks${query}`);
  await tenant.expect(404, "GET", "/v2.0/networks?limit=1&marker=nowhere");
});

test("bad bodies change nothing", async () => {
  const tenant = world.tenant();
  const bodies: unknown[] = [
    {},
    { network: [] },
    { network: { name: 5 } },
    { network: { name: "x".repeat(256) } },
    { network: { colour: "blue" } },
    { network: { mtu: 10 } },
    { network: { mtu: 100_000 } },
    { network: { admin_state_up: "maybe" } },
    { network: { dns_domain: "a b" } },
    { network: {}, networks: [] },
    { networks: [] },
  ];
  for (const body of bodies) await tenant.expect(400, "POST", "/v2.0/networks", body);
  assert.deepEqual(await tenant.list("network", `?project_id=${tenant.projectId}`), []);
});

test("tags", async () => {
  const tenant = world.tenant();
  const network = await tenant.create("network", {});
  const tags = `/v2.0/networks/${network.id}/tags`;
  await tenant.expect(201, "PUT", `${tags}/blue`);
  await tenant.expect(204, "GET", `${tags}/blue`);
  await tenant.expect(404, "GET", `${tags}/red`);
  assert.deepEqual(await tenant.expect(200, "PUT", tags, { tags: ["red", "green"] }), { tags: ["green", "red"] });
  assert.equal((await tenant.list("network", "?tags=red,green")).length, 1);
  assert.equal((await tenant.list("network", "?not-tags=red")).filter((one) => one.id === network.id).length, 0);
  await tenant.expect(204, "DELETE", `${tags}/red`);
  await tenant.expect(404, "DELETE", `${tags}/red`);
  await tenant.expect(204, "DELETE", tags);
  assert.deepEqual(await tenant.expect(200, "GET", tags), { tags: [] });
  await world.tenant().expect(404, "PUT", `${tags}/mine`);
});

test("extensions, zones, providers; agents for operators only", async () => {
  const tenant = world.tenant();
  const { extensions } = (await tenant.expect(200, "GET", "/v2.0/extensions")) as unknown as {
    extensions: { alias: string }[];
  };
  for (const alias of [
    "router",
    "external-net",
    "extraroute",
    "security-group",
    "subnet_allocation",
    "net-mtu",
    "quotas",
    "standard-attr-tag",
  ]) {
    assert.ok(
      extensions.some((extension) => extension.alias === alias),
      alias,
    );
    await tenant.expect(200, "GET", `/v2.0/extensions/${alias}`);
  }
  await tenant.expect(404, "GET", "/v2.0/extensions/nonsense");
  assert.deepEqual(await tenant.expect(200, "GET", "/v2.0/service-providers"), { service_providers: [] });
  assert.equal(
    ((await tenant.expect(200, "GET", "/v2.0/availability_zones"))["availability_zones"] as unknown[]).length,
    2,
  );
  await tenant.expect(403, "GET", "/v2.0/agents");
  const { agents } = (await world.operator.expect(200, "GET", "/v2.0/agents")) as unknown as {
    agents: { host: string; alive: boolean; id: string }[];
  };
  assert.deepEqual(
    agents.map((agent) => [agent.host, agent.alive]),
    [
      ["host1", false],
      ["host1", false],
    ],
  );
  await world.operator.expect(200, "GET", `/v2.0/agents/${agents[0]?.id}`);
  await world.operator.expect(200, "GET", "/v2.0/network-ip-availabilities");
});

test("no agent of ours is a DHCP or an L3 agent, and clients are told so", async () => {
  const { operator } = world;
  const network = await operator.create("network", { name: "n" });
  const router = await operator.create("router", { name: "r" });
  assert.deepEqual(await operator.expect(200, "GET", `/v2.0/networks/${network.id}/dhcp-agents`), { agents: [] });
  assert.deepEqual(await operator.expect(200, "GET", `/v2.0/routers/${router.id}/l3-agents`), { agents: [] });
  await operator.expect(404, "GET", "/v2.0/networks/none/dhcp-agents");
  await operator.expect(404, "GET", "/v2.0/routers/none/l3-agents");
  const { agents } = (await operator.expect(200, "GET", "/v2.0/agents")) as unknown as { agents: { id: string }[] };
  const agent = `/v2.0/agents/${agents[0]?.id ?? ""}`;
  assert.deepEqual(await operator.expect(200, "GET", `${agent}/dhcp-networks`), { networks: [] });
  assert.deepEqual(await operator.expect(200, "GET", `${agent}/l3-routers`), { routers: [] });
  await operator.expect(404, "POST", `${agent}/dhcp-networks`, { network_id: network.id });
  await operator.expect(404, "POST", `${agent}/l3-routers`, { router_id: router.id });
  await operator.expect(409, "DELETE", `${agent}/dhcp-networks/${network.id}`);
  await operator.expect(409, "DELETE", `${agent}/l3-routers/${router.id}`);
  for (const list of ["dhcp-networks", "l3-routers"]) await operator.expect(404, "GET", `/v2.0/agents/none/${list}`);
  await world.tenant().expect(403, "GET", `/v2.0/networks/${network.id}/dhcp-agents`);
});

test("a marker that the asker may not see is none: it would tell a foreign network's name, letter by letter", async () => {
  const [tenant, other] = [world.tenant(), world.tenant()];
  await tenant.create("network", { name: "m" });
  const foreign = await networkWithSubnet(other);
  const rows: [kind: string, id: string][] = [
    ["network", foreign.network.id],
    ["subnet", foreign.subnet.id],
    ["port", (await other.create("port", { network_id: foreign.network.id })).id],
    ["router", (await other.create("router", { name: "r" })).id],
  ];
  const group = await other.create("security_group", { name: "g" });
  const [rule] = (await other.list("security_group_rule")).filter((one) => one["security_group_id"] === group.id);
  rows.push(["security-group", group.id], ["security-group-rule", rule?.id ?? ""]);
  for (const [kind, id] of rows) {
    const answer = await tenant.call("GET", `/v2.0/${kind}s?limit=5&sort_key=id&marker=${id}`);
    assert.equal(answer.status, 404, kind);
    await other.expect(200, "GET", `/v2.0/${kind}s?limit=5&sort_key=id&marker=${id}`);
    await world.operator.expect(200, "GET", `/v2.0/${kind}s?limit=5&sort_key=id&marker=${id}`);
  }
});
