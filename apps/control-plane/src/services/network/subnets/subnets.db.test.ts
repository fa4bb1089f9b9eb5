import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { type Wire, type World, createWorld, errorOf, networkWithSubnet } from "../testing/network-world.ts";

let world: World;
before(async () => {
  world = await createWorld();
});
after(() => world.close());

test("a subnet's life: everything echoed, everything changed", async () => {
  const tenant = world.tenant();
  const network = await tenant.create("network", {});
  const asked = {
    network_id: network.id,
    name: "s",
    ip_version: 4,
    cidr: "10.0.0.0/24",
    gateway_ip: "10.0.0.254",
    allocation_pools: [{ start: "10.0.0.10", end: "10.0.0.20" }],
    dns_nameservers: ["8.8.8.8", "8.8.4.4"],
    host_routes: [{ destination: "10.20.0.0/16", nexthop: "10.0.0.9" }],
    enable_dhcp: true,
  };
  const made = await tenant.create("subnet", asked);
  for (const [key, value] of Object.entries(asked)) assert.deepEqual(made[key], value, key);
  assert.deepEqual(await tenant.show("subnet", made.id), made);
  assert.deepEqual((await tenant.show("network", network.id))["subnets"], [made.id]);
  const change = {
    name: "t",
    gateway_ip: "10.0.0.253",
    dns_nameservers: ["9.9.9.9"],
    host_routes: [{ destination: "10.30.0.0/16", nexthop: "10.0.0.8" }],
    enable_dhcp: false,
    allocation_pools: [{ start: "10.0.0.30", end: "10.0.0.40" }],
  };
  const { subnet } = (await tenant.expect(200, "PUT", `/v2.0/subnets/${made.id}`, { subnet: change })) as {
    subnet: Wire;
  };
  for (const [key, value] of Object.entries(change)) assert.deepEqual(subnet[key], value, key);
  await tenant.expect(204, "DELETE", `/v2.0/subnets/${made.id}`);
  await tenant.expect(404, "GET", `/v2.0/subnets/${made.id}`);
});

test("a gateway of null is none", async () => {
  const { subnet } = await networkWithSubnet(world.tenant(), "10.0.0.0/24", { gateway_ip: null });
  assert.equal(subnet["gateway_ip"], null);
  assert.deepEqual(subnet["allocation_pools"], [{ start: "10.0.0.1", end: "10.0.0.254" }]);
});

test("racing creates of one prefix on one network: one is there", async () => {
  const tenant = world.tenant();
  const network = await tenant.create("network", {});
  const wire = { subnet: { network_id: network.id, ip_version: 4, cidr: "10.0.0.0/24" } };
  const answers = await Promise.all(Array.from({ length: 8 }, () => tenant.call("POST", "/v2.0/subnets", wire)));
  assert.equal(answers.filter((answer) => answer.status === 201).length, 1);
  const [refused] = answers.filter((answer) => answer.status !== 201);
  assert.ok(refused);
  assert.equal(refused.status, 400);
  assert.match(errorOf(refused).message, /overlaps with another subnet/);
  assert.equal((await tenant.list("subnet", `?network_id=${network.id}`)).length, 1);
});

test("two projects have the same prefix", async () => {
  const [one, other] = [await networkWithSubnet(world.tenant()), await networkWithSubnet(world.tenant())];
  assert.equal(one.subnet["cidr"], other.subnet["cidr"]);
});

test("refused, and nothing changed", async () => {
  const tenant = world.tenant();
  const network = await tenant.create("network", {});
  const ok = { network_id: network.id, ip_version: 4, cidr: "10.0.0.0/24" };
  const wrong: object[] = [
    { ...ok, cidr: "10.0.0.1/24" },
    { ...ok, cidr: null },
    { ...ok, ip_version: 5 },
    { ...ok, ip_version: 6 },
    { ...ok, gateway_ip: "10.0.0.0" },
    { ...ok, gateway_ip: "gateway" },
    { ...ok, gateway_ip: "fd00::1" },
    { ...ok, dns_nameservers: ["x"] },
    { ...ok, host_routes: [{ destination: "x", nexthop: "y" }] },
    { ...ok, allocation_pools: [{ start: "10.0.0.9", end: "10.0.0.2" }] },
    { ...ok, ipv6_ra_mode: "slaac" },
    { ...ok, ip_version: 6, cidr: "fd00::/64", ipv6_ra_mode: "slaac", ipv6_address_mode: "dhcpv6-stateful" },
    { ...ok, colour: "blue" },
    { ip_version: 4, cidr: "10.0.0.0/24" },
  ];
  for (const subnet of wrong) await tenant.expect(400, "POST", "/v2.0/subnets", { subnet });
  await tenant.expect(409, "POST", "/v2.0/subnets", {
    subnet: { ...ok, gateway_ip: "10.0.0.5", allocation_pools: [{ start: "10.0.0.2", end: "10.0.0.9" }] },
  });
  await tenant.expect(404, "POST", "/v2.0/subnets", { subnet: { ...ok, network_id: "nowhere" } });
  await world.tenant().expect(404, "POST", "/v2.0/subnets", { subnet: ok });
  assert.deepEqual(await tenant.list("subnet"), []);
  assert.deepEqual(await tenant.list("port"), []);
});

test("a used subnet stays", async () => {
  const tenant = world.tenant();
  const { network, subnet } = await networkWithSubnet(tenant);
  const port = await tenant.create("port", { network_id: network.id });
  assert.equal(errorOf(await tenant.call("DELETE", `/v2.0/subnets/${subnet.id}`)).type, "SubnetInUse");
  await tenant.expect(204, "DELETE", `/v2.0/ports/${port.id}`);
  await tenant.expect(204, "DELETE", `/v2.0/subnets/${subnet.id}`);
});

test("subnet pools: cut, chosen, used up, kept while used", async () => {
  const tenant = world.tenant();
  const pool = await tenant.create("subnetpool", {
    name: "pool",
    prefixes: ["10.40.0.0/23"],
    default_prefixlen: 24,
    min_prefixlen: 16,
  });
  assert.deepEqual([pool["prefixes"], pool["ip_version"], pool["default_prefixlen"]], [["10.40.0.0/23"], 4, "24"]);
  const network = await tenant.create("network", {});
  const first = await tenant.create("subnet", { network_id: network.id, ip_version: 4, subnetpool_id: pool.id });
  assert.deepEqual([first["cidr"], first["subnetpool_id"]], ["10.40.0.0/24", pool.id]);
  await tenant.expect(409, "POST", "/v2.0/subnets", {
    subnet: { network_id: network.id, ip_version: 4, subnetpool_id: pool.id, cidr: "10.40.0.0/25" },
  });
  const second = await tenant.create("subnet", {
    network_id: network.id,
    ip_version: 4,
    subnetpool_id: pool.id,
    cidr: "10.40.1.0/25",
  });
  assert.equal(second["cidr"], "10.40.1.0/25");
  await tenant.expect(409, "POST", "/v2.0/subnets", {
    subnet: { network_id: network.id, ip_version: 4, subnetpool_id: pool.id },
  });
  await tenant.expect(400, "DELETE", `/v2.0/subnetpools/${pool.id}`);
  await tenant.expect(200, "PUT", `/v2.0/subnetpools/${pool.id}`, {
    subnetpool: { name: "p2", prefixes: ["10.40.0.0/22"] },
  });
  await tenant.expect(400, "PUT", `/v2.0/subnetpools/${pool.id}`, { subnetpool: { prefixes: ["10.40.0.0/24"] } });
  await world.tenant().expect(404, "GET", `/v2.0/subnetpools/${pool.id}`);
  for (const subnet of [first, second]) await tenant.expect(204, "DELETE", `/v2.0/subnets/${subnet.id}`);
  await tenant.expect(204, "DELETE", `/v2.0/subnetpools/${pool.id}`);
  await tenant.expect(404, "GET", `/v2.0/subnetpools/${pool.id}`);
});
