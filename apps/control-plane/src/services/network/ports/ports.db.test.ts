import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import {
  type Tenant,
  type Wire,
  type World,
  createWorld,
  errorOf,
  networkWithSubnet,
} from "../testing/network-world.ts";

let world: World;
before(async () => {
  world = await createWorld();
});
after(() => world.close());

test("a port is given another MAC address, until it is bound", async () => {
  const tenant = world.tenant();
  const { network } = await networkWithSubnet(tenant);
  const port = await tenant.create("port", { network_id: network.id });
  const again = { port: { mac_address: null } };
  const { port: changed } = await tenant.expect(200, "PUT", `/v2.0/ports/${port.id}`, again);
  assert.notEqual((changed as { mac_address: string }).mac_address, port["mac_address"]);
  assert.match((changed as { mac_address: string }).mac_address, /^fa:16:3e:/);
  await world.operator.expect(200, "PUT", `/v2.0/ports/${port.id}`, { port: { "binding:host_id": "host1" } });
  await tenant.expect(409, "PUT", `/v2.0/ports/${port.id}`, again);
});

type Ip = { subnet_id: string; ip_address: string };
const ipsOf = (port: Wire): string[] => (port["fixed_ips"] as Ip[]).map((ip) => ip.ip_address);

test("a port's life: show equals create, addresses from the pool, default group", async () => {
  const tenant = world.tenant();
  const { network, subnet } = await networkWithSubnet(tenant, "10.0.0.0/24", {
    allocation_pools: [{ start: "10.0.0.20", end: "10.0.0.30" }],
  });
  const port = await tenant.create("port", { network_id: network.id, name: "p", mac_address: "fa:16:3e:12:34:56" });
  assert.equal(port["mac_address"], "fa:16:3e:12:34:56");
  assert.equal(port["status"], "DOWN");
  assert.equal(port["admin_state_up"], true);
  assert.match(ipsOf(port)[0] ?? "", /^10\.0\.0\.(2\d|30)$/);
  assert.deepEqual(await tenant.show("port", port.id), port);
  const [group] = await tenant.list("security_group", "?name=default");
  assert.deepEqual(port["security_groups"], [group?.id]);
  const { port: changed } = (await tenant.expect(200, "PUT", `/v2.0/ports/${port.id}`, {
    port: {
      name: "q",
      fixed_ips: [{ subnet_id: subnet.id, ip_address: "10.0.0.99" }],
      security_groups: [],
      allowed_address_pairs: [{ ip_address: "192.168.0.0/24" }],
      extra_dhcp_opts: [{ opt_name: "mtu", opt_value: "1400" }],
    },
  })) as { port: Wire };
  assert.deepEqual(ipsOf(changed), ["10.0.0.99"]);
  assert.deepEqual(changed["allowed_address_pairs"], [
    { ip_address: "192.168.0.0/24", mac_address: "fa:16:3e:12:34:56" },
  ]);
  assert.deepEqual(changed["extra_dhcp_opts"], [{ opt_name: "mtu", opt_value: "1400", ip_version: 4 }]);
  assert.deepEqual(await tenant.list("port", "?fixed_ips=ip_address%3D10.0.0.99&fields=id"), [{ id: port.id }]);
  await tenant.expect(204, "DELETE", `/v2.0/ports/${port.id}`);
  await tenant.expect(404, "GET", `/v2.0/ports/${port.id}`);
  // its address is free again
  await tenant.create("port", { network_id: network.id, fixed_ips: [{ ip_address: "10.0.0.99" }] });
});

test("a list follows every change, whatever was listed before, and shows each reader their own", async () => {
  const tenant = world.tenant();
  const { network } = await networkWithSubnet(tenant, "10.0.0.0/24");
  // the network's own port has no name
  const list = async (reader: Tenant): Promise<Wire[]> =>
    (await reader.list("port", `?network_id=${network.id}&sort_key=name`)).filter((port) => port["name"] !== "");
  const first = await tenant.create("port", { network_id: network.id, name: "a" });
  const second = await tenant.create("port", { network_id: network.id, name: "b" });
  assert.deepEqual(await list(tenant), [first, second]);
  assert.equal((await list(world.operator))[0]?.["binding:vif_type"], "unbound");
  assert.deepEqual(await list(tenant), [first, second]);
  await tenant.expect(200, "PUT", `/v2.0/ports/${first.id}`, { port: { description: "changed" } });
  await world.test.app.db`update port set observed_up = true where id = ${second.id}`;
  assert.deepEqual(
    (await list(tenant)).map((port) => [port["description"], port["status"]]),
    [
      ["changed", "DOWN"],
      ["", "ACTIVE"],
    ],
  );
  await tenant.expect(204, "DELETE", `/v2.0/ports/${first.id}`);
  assert.deepEqual(
    (await list(tenant)).map((port) => port.id),
    [second.id],
  );
});

test("a port on a network without subnets has no address", async () => {
  const tenant = world.tenant();
  const network = await tenant.create("network", {});
  assert.deepEqual((await tenant.create("port", { network_id: network.id }))["fixed_ips"], []);
});

test("addresses that cannot be had", async () => {
  const tenant = world.tenant();
  const { network, subnet } = await networkWithSubnet(tenant);
  const { network: elsewhere, subnet: foreign } = await networkWithSubnet(tenant, "10.5.0.0/24");
  const refused = async (fixedIps: object[], status: number, type: string | RegExp): Promise<void> => {
    const answer = await tenant.call("POST", "/v2.0/ports", { port: { network_id: network.id, fixed_ips: fixedIps } });
    assert.equal(answer.status, status, answer.text);
    assert.match(errorOf(answer).type, new RegExp(type));
  };
  await tenant.create("port", { network_id: network.id, fixed_ips: [{ ip_address: "10.0.0.50" }] });
  await refused([{ ip_address: "10.0.0.50" }], 409, "^IpAddressAlreadyAllocated$");
  await refused([{ ip_address: "10.9.9.9" }], 400, "^InvalidIpForNetwork$");
  await refused([{ subnet_id: subnet.id, ip_address: "10.9.9.9" }], 400, "^InvalidIpForSubnet$");
  await refused([{ subnet_id: foreign.id }], 400, "");
  await refused([{ ip_address: "nonsense" }], 400, "");
  assert.equal(elsewhere.id === network.id, false);
  const twice = await tenant.call("POST", "/v2.0/ports", {
    ports: [
      { network_id: network.id, fixed_ips: [{ ip_address: "10.0.0.60" }] },
      { network_id: network.id, fixed_ips: [{ ip_address: "10.0.0.60" }] },
    ],
  });
  assert.equal(twice.status, 409);
  assert.equal((await tenant.list("port", "?fixed_ips=ip_address%3D10.0.0.60")).length, 0);
});

test("a MAC address is used once a network", async () => {
  const tenant = world.tenant();
  const { network } = await networkWithSubnet(tenant);
  const wire = { network_id: network.id, mac_address: "fa:16:3e:00:00:99" };
  await tenant.create("port", wire);
  const answer = await tenant.call("POST", "/v2.0/ports", { port: wire });
  assert.deepEqual([answer.status, errorOf(answer).type], [409, "MacAddressInUse"]);
  await tenant.expect(400, "POST", "/v2.0/ports", { port: { ...wire, mac_address: "ff:ff:ff:ff:ff:ff" } });
});

test("IPv6: EUI-64 where hosts address themselves, the pool where not, one of each where both are", async () => {
  const tenant = world.tenant();
  const mac = "fa:16:3e:00:00:01";
  const modes = [
    { ipv6_address_mode: "slaac" },
    { ipv6_ra_mode: "dhcpv6-stateless", ipv6_address_mode: "dhcpv6-stateless" },
  ];
  for (const mode of modes) {
    const { network } = await networkWithSubnet(tenant, "fd00:1::/64", mode);
    await tenant.create("subnet", { network_id: network.id, ip_version: 4, cidr: "10.0.0.0/24" });
    await tenant.create("subnet", {
      network_id: network.id,
      ip_version: 6,
      cidr: "fd00:2::/64",
      ipv6_address_mode: "dhcpv6-stateful",
      ipv6_ra_mode: "dhcpv6-stateful",
    });
    const addresses = ipsOf(await tenant.create("port", { network_id: network.id, mac_address: mac }));
    assert.equal(addresses.length, 3);
    assert.ok(addresses.includes("fd00:1::f816:3eff:fe00:1"), String(addresses));
    assert.ok(addresses.some((address) => address.startsWith("fd00:2::") && address !== "fd00:2::f816:3eff:fe00:1"));
  }
  const { network } = await networkWithSubnet(tenant, "fd00:3::/64");
  const [plain = ""] = ipsOf(await tenant.create("port", { network_id: network.id, mac_address: mac }));
  assert.notEqual(plain, "fd00:3::f816:3eff:fe00:1");
});

test("a subnet where hosts address themselves reaches the ports that are there, and leaves them when it goes", async () => {
  const tenant = world.tenant();
  const { network } = await networkWithSubnet(tenant);
  const port = await tenant.create("port", { network_id: network.id, mac_address: "fa:16:3e:00:00:02" });
  const six = await tenant.create("subnet", {
    network_id: network.id,
    ip_version: 6,
    cidr: "fd00:9::/64",
    ipv6_ra_mode: "slaac",
    ipv6_address_mode: "slaac",
  });
  assert.deepEqual(ipsOf(await tenant.show("port", port.id)).slice(1), ["fd00:9::f816:3eff:fe00:2"]);
  await tenant.expect(204, "DELETE", `/v2.0/subnets/${six.id}`);
  assert.equal(ipsOf(await tenant.show("port", port.id)).length, 1);
});

test("the network's own port has an address in each IPv4 subnet with DHCP", async () => {
  const tenant = world.tenant();
  const { network, subnet } = await networkWithSubnet(tenant);
  const second = await tenant.create("subnet", { network_id: network.id, ip_version: 4, cidr: "10.1.0.0/24" });
  await tenant.create("subnet", { network_id: network.id, ip_version: 4, cidr: "10.2.0.0/24", enable_dhcp: false });
  const own = async (): Promise<Wire> => {
    const [port, more] = await tenant.list("port", `?network_id=${network.id}&device_owner=network%3Adistributed`);
    assert.ok(port !== undefined && more === undefined);
    return port;
  };
  assert.deepEqual(
    ((await own())["fixed_ips"] as Ip[]).map((ip) => ip.subnet_id),
    [subnet.id, second.id],
  );
  await tenant.expect(200, "PUT", `/v2.0/subnets/${subnet.id}`, { subnet: { enable_dhcp: false } });
  assert.deepEqual(
    ((await own())["fixed_ips"] as Ip[]).map((ip) => ip.subnet_id),
    [second.id],
  );
  await tenant.expect(409, "DELETE", `/v2.0/ports/${(await own()).id}`);
  // its addresses do not keep a subnet
  await tenant.expect(204, "DELETE", `/v2.0/subnets/${second.id}`);
  assert.deepEqual((await own())["fixed_ips"], []);
});

test("200 racing creates have 200 addresses", async () => {
  const tenant = world.tenant();
  await world.setQuota(tenant, { port: -1 });
  const { network } = await networkWithSubnet(tenant, "10.0.0.0/16");
  const made = await Promise.all(Array.from({ length: 200 }, () => tenant.create("port", { network_id: network.id })));
  const addresses = made.flatMap(ipsOf);
  assert.equal(new Set(addresses).size, 200);
  assert.equal(new Set(made.map((port) => port["mac_address"])).size, 200);
  const [stored] = await world.test.app.db<{ n: number }[]>`
    select count(*)::integer as n from port p join ip_allocation a on a.port_id = p.id
    where p.network_id = ${network.id} and p.fixed_ips -> 0 ->> 'ip_address' = host(a.address)`;
  assert.equal(stored?.n, 201, "each row says the address that it has, the network's own port too");
});

test("a small pool is given out to the last address, and the next one is told so", async () => {
  const tenant = world.tenant();
  const { network } = await networkWithSubnet(tenant, "10.0.0.0/27", { enable_dhcp: false });
  const answers = await Promise.all(
    Array.from({ length: 40 }, () => tenant.call("POST", "/v2.0/ports", { port: { network_id: network.id } })),
  );
  const made = answers.filter((answer) => answer.status === 201);
  assert.equal(made.length, 29, "30 hosts, one of them the gateway");
  for (const answer of answers)
    if (answer.status !== 201)
      assert.deepEqual([answer.status, errorOf(answer).type], [409, "IpAddressGenerationFailure"]);
});

test("an address that was given back rests while others are free", async () => {
  const tenant = world.tenant();
  const { network } = await networkWithSubnet(tenant, "10.0.0.0/24");
  const used = new Set<string>();
  for (let time = 0; time < 20; time++) {
    const port = await tenant.create("port", { network_id: network.id });
    const [address = ""] = ipsOf(port);
    assert.equal(used.has(address), false, `${address} again after ${time}`);
    used.add(address);
    await tenant.expect(204, "DELETE", `/v2.0/ports/${port.id}`);
  }
});

test("racing creates never exceed the quota", async () => {
  const tenant = world.tenant();
  const { network } = await networkWithSubnet(tenant, "10.0.0.0/16");
  await world.setQuota(tenant, { port: 11 });
  const answers = await Promise.all(
    Array.from({ length: 40 }, () => tenant.call("POST", "/v2.0/ports", { port: { network_id: network.id } })),
  );
  assert.equal(answers.filter((answer) => answer.status === 201).length, 10, "the network's own port counts");
  for (const refused of answers.filter((answer) => answer.status !== 201)) {
    assert.equal(refused.status, 409, refused.text);
    assert.deepEqual(errorOf(refused), {
      type: "OverQuota",
      message: "Quota exceeded for resources: ['port'].",
      detail: "",
    });
  }
  const details = (await tenant.expect(200, "GET", `/v2.0/quotas/${tenant.projectId}/details.json`))["quota"] as {
    port: object;
  };
  assert.deepEqual(details.port, { limit: 11, used: 11, reserved: 0 });
});

test("first uses of a project that race make one default group", async () => {
  const tenant = world.tenant();
  const network = await world.operator.create("network", { shared: true });
  await Promise.all([
    ...Array.from({ length: 6 }, () => tenant.create("port", { network_id: network.id })),
    ...Array.from({ length: 6 }, () => tenant.list("security_group")),
    ...Array.from({ length: 4 }, (_, index) => tenant.create("security_group", { name: `g${index}` })),
  ]);
  assert.equal((await tenant.list("security_group", "?name=default")).length, 1);
});

test("quotas: own only, changed by operators, back to the defaults", async () => {
  const tenant: Tenant = world.tenant();
  await world.register(tenant);
  const path = `/v2.0/quotas/${tenant.projectId}`;
  const { quota: byDefault } = (await tenant.expect(200, "GET", `${path}/default`)) as { quota: { port: number } };
  assert.equal(byDefault.port, 500);
  await tenant.expect(403, "PUT", path, { quota: { port: 1 } });
  await world.tenant().expect(403, "GET", path);
  for (const wrong of [-2, 3_000_000_000, "many", 1.5])
    await world.operator.expect(400, "PUT", path, { quota: { port: wrong } });
  await world.operator.expect(400, "PUT", path, { quota: { colour: 1 } });
  await world.operator.expect(200, "PUT", path, { quota: { port: 7 } });
  assert.equal(((await tenant.expect(200, "GET", path))["quota"] as { port: number }).port, 7);
  const { quotas } = (await world.operator.expect(200, "GET", "/v2.0/quotas")) as {
    quotas: { project_id: string; port: number }[];
  };
  assert.equal(quotas.find((one) => one.project_id === tenant.projectId)?.port, 7);
  await world.operator.expect(204, "DELETE", path);
  assert.equal(((await tenant.expect(200, "GET", path))["quota"] as { port: number }).port, 500);
  assert.deepEqual((await tenant.expect(200, "GET", "/v2.0/quotas/tenant"))["tenant"], {
    tenant_id: tenant.projectId,
    project_id: tenant.projectId,
  });
});

test("what only a network's owner may choose, and what nobody may", async () => {
  const [owner, guest] = [world.tenant(), world.tenant()];
  const network = await world.operator.create("network", { shared: true });
  await world.operator.create("subnet", { network_id: network.id, ip_version: 4, cidr: "10.0.0.0/24" });
  const port = await guest.create("port", { network_id: network.id });
  for (const wire of [
    { mac_address: "fa:16:3e:aa:aa:aa" },
    { port_security_enabled: false },
    { allowed_address_pairs: [{ ip_address: "1.1.1.1" }] },
    { fixed_ips: [{ ip_address: "10.0.0.9" }] },
    { fixed_ips: [] },
    { device_owner: "network:dhcp" },
    { "binding:host_id": "host1" },
  ]) {
    await guest.expect(403, "POST", "/v2.0/ports", { port: { network_id: network.id, ...wire } });
  }
  for (const wire of [
    { port_security_enabled: false },
    { mac_address: "fa:16:3e:aa:aa:aa" },
    { fixed_ips: [] },
    { fixed_ips: [{ ip_address: "10.0.0.9" }] },
    { allowed_address_pairs: [{ ip_address: "1.1.1.1" }] },
  ]) {
    await guest.expect(403, "PUT", `/v2.0/ports/${port.id}`, { port: wire });
  }
  await guest.expect(200, "PUT", `/v2.0/ports/${port.id}`, {
    port: { mac_address: port["mac_address"], fixed_ips: port["fixed_ips"] },
  });
  await owner.expect(404, "GET", `/v2.0/ports/${port.id}`);
  await owner.expect(404, "PUT", `/v2.0/ports/${port.id}`, { port: { name: "x" } });
  const mine = await owner.create("network", {});
  await owner.expect(400, "POST", "/v2.0/ports", {
    port: { network_id: mine.id, device_owner: "network:router_interface" },
  });
  const own = await owner.create("port", { network_id: mine.id });
  await owner.expect(400, "PUT", `/v2.0/ports/${own.id}`, {
    port: { device_owner: "network:distributed", device_id: "x" },
  });
  await owner.expect(400, "POST", "/v2.0/ports", {
    port: {
      network_id: mine.id,
      port_security_enabled: false,
      security_groups: [own["security_groups"] as string[]][0],
    },
  });
  const bare = await owner.create("port", { network_id: mine.id, port_security_enabled: false });
  assert.deepEqual(bare["security_groups"], []);
  await owner.expect(409, "PUT", `/v2.0/ports/${own.id}`, { port: { port_security_enabled: false } });
});
