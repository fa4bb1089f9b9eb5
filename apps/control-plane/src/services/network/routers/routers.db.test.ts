import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import {
  type Tenant,
  type Wire,
  type World,
  createWorld,
  errorOf,
  externalNetwork,
  networkWithSubnet,
} from "../testing/network-world.ts";

let world: World;
let external: { network: Wire; subnet: Wire };
before(async () => {
  world = await createWorld();
  external = await externalNetwork(world.operator);
});
after(() => world.close());

test("extra routes, some more or less", async () => {
  const tenant = world.tenant();
  const router = await tenant.create("router", { name: "r" });
  const { subnet } = await networkWithSubnet(tenant);
  await tenant.expect(200, "PUT", `/v2.0/routers/${router.id}/add_router_interface`, { subnet_id: subnet.id });
  const route = (n: number) => ({ destination: `10.${n}.0.0/16`, nexthop: "10.0.0.9" });
  const change = async (how: string, ...routes: object[]) =>
    (
      (await tenant.expect(200, "PUT", `/v2.0/routers/${router.id}/${how}_extraroutes`, { router: { routes } }))[
        "router"
      ] as { routes: object[] }
    ).routes;
  assert.deepEqual(await change("add", route(1), route(2)), [route(1), route(2)]);
  assert.deepEqual(await change("add", route(2), route(3)), [route(1), route(2), route(3)]);
  assert.deepEqual(await change("remove", route(2), route(7)), [route(1), route(3)]);
  const far = { router: { routes: [{ destination: "10.9.0.0/16", nexthop: "192.0.2.1" }] } };
  await tenant.expect(400, "PUT", `/v2.0/routers/${router.id}/add_extraroutes`, far);
});

const withGateway = (tenant: Tenant): Promise<Wire> =>
  tenant.create("router", { name: "r", external_gateway_info: { network_id: external.network.id } });
const plug = (tenant: Tenant, router: Wire, wish: object, status = 200) =>
  tenant.expect(status, "PUT", `/v2.0/routers/${router.id}/add_router_interface`, wish);
const unplug = (tenant: Tenant, router: Wire, wish: object, status = 200) =>
  tenant.expect(status, "PUT", `/v2.0/routers/${router.id}/remove_router_interface`, wish);

test("a router's life", async () => {
  const tenant = world.tenant();
  const made = await tenant.create("router", { name: "r", admin_state_up: false });
  assert.deepEqual([made["admin_state_up"], made["external_gateway_info"], made["routes"]], [false, null, []]);
  assert.deepEqual(await tenant.show("router", made.id), made);
  await tenant.expect(200, "PUT", `/v2.0/routers/${made.id}`, { router: { name: "s", admin_state_up: true } });
  await world.tenant().expect(404, "GET", `/v2.0/routers/${made.id}`);
  await tenant.expect(204, "DELETE", `/v2.0/routers/${made.id}`);
  await tenant.expect(404, "GET", `/v2.0/routers/${made.id}`);
  await tenant.expect(404, "DELETE", "/v2.0/routers/nonsense");
});

test("a gateway: set, shown, taken away; its port is the cloud's", async () => {
  const tenant = world.tenant();
  const router = await withGateway(tenant);
  const info = router["external_gateway_info"] as {
    network_id: string;
    enable_snat: boolean;
    external_fixed_ips: { ip_address: string }[];
  };
  assert.equal(info.network_id, external.network.id);
  assert.equal(info.enable_snat, true);
  assert.match(info.external_fixed_ips[0]?.ip_address ?? "", /^172\.24\.4\.\d+$/);
  const [port] = await world.operator.list("port", `?device_id=${router.id}`);
  assert.deepEqual([port?.["device_owner"], port?.["project_id"]], ["network:router_gateway", ""]);
  assert.deepEqual(await tenant.list("port", `?device_id=${router.id}`), []);
  await world.operator.expect(409, "DELETE", `/v2.0/ports/${port?.id}`);
  await tenant.expect(403, "PUT", `/v2.0/routers/${router.id}`, {
    router: { external_gateway_info: { network_id: external.network.id, enable_snat: false } },
  });
  const { router: bare } = (await tenant.expect(200, "PUT", `/v2.0/routers/${router.id}`, {
    router: { external_gateway_info: {} },
  })) as { router: Wire };
  assert.equal(bare["external_gateway_info"], null);
  assert.deepEqual(await world.operator.list("port", `?device_id=${router.id}`), []);
  const inner = await tenant.create("network", {});
  await tenant.expect(400, "POST", "/v2.0/routers", { router: { external_gateway_info: { network_id: inner.id } } });
  await tenant.expect(404, "POST", "/v2.0/routers", {
    router: { external_gateway_info: { network_id: crypto.randomUUID() } },
  });
  await tenant.expect(400, "POST", "/v2.0/routers", { router: { external_gateway_info: { enable_snat: true } } });
  assert.equal((await tenant.list("router")).length, 1);
});

test("interfaces by subnet and by port", async () => {
  const tenant = world.tenant();
  const router = await tenant.create("router", {});
  const { subnet } = await networkWithSubnet(tenant);
  const added = await plug(tenant, router, { subnet_id: subnet.id });
  assert.deepEqual([added["id"], added["subnet_id"], added["tenant_id"]], [router.id, subnet.id, tenant.projectId]);
  const port = await tenant.show("port", String(added["port_id"]));
  assert.deepEqual([port["device_id"], port["device_owner"]], [router.id, "network:router_interface"]);
  assert.deepEqual(
    (port["fixed_ips"] as { ip_address: string }[]).map((ip) => ip.ip_address),
    ["10.0.0.1"],
  );
  const second = await networkWithSubnet(tenant, "10.7.0.0/24");
  const given = await tenant.create("port", { network_id: second.network.id });
  await plug(tenant, router, { port_id: given.id });
  assert.equal((await tenant.show("port", given.id))["device_id"], router.id);
  await plug(tenant, router, { port_id: given.id }, 409);
  await plug(tenant, router, { subnet_id: subnet.id }, 400);
  const overlapping = await networkWithSubnet(tenant, "10.0.0.0/16");
  await plug(tenant, router, { subnet_id: overlapping.subnet.id }, 400);
  await plug(tenant, router, { subnet_id: "nonsense" }, 404);
  await plug(tenant, router, { port_id: "nonsense" }, 404);
  await plug(tenant, router, {}, 400);
  await plug(tenant, router, { subnet_id: subnet.id, port_id: given.id }, 400);
  await tenant.expect(409, "DELETE", `/v2.0/ports/${port.id}`);
  await tenant.expect(409, "DELETE", `/v2.0/routers/${router.id}`);
  await tenant.expect(409, "DELETE", `/v2.0/subnets/${subnet.id}`);
  await tenant.expect(409, "PUT", `/v2.0/subnets/${subnet.id}`, { subnet: { gateway_ip: "10.0.0.200" } });
  // the address may be moved by its owner
  await tenant.expect(200, "PUT", `/v2.0/ports/${given.id}`, {
    port: { fixed_ips: [{ subnet_id: second.subnet.id, ip_address: "10.7.0.77" }] },
  });
  await unplug(tenant, router, { subnet_id: overlapping.subnet.id }, 404);
  await unplug(tenant, router, { subnet_id: subnet.id });
  await unplug(tenant, router, { port_id: given.id });
  await tenant.expect(404, "GET", `/v2.0/ports/${given.id}`);
  await tenant.expect(204, "DELETE", `/v2.0/routers/${router.id}`);
});

test("IPv6 subnets of one network share a leg", async () => {
  const tenant = world.tenant();
  const router = await tenant.create("router", {});
  const { network, subnet } = await networkWithSubnet(tenant, "fd00:1::/64", {
    ipv6_ra_mode: "slaac",
    ipv6_address_mode: "slaac",
  });
  const other = await tenant.create("subnet", {
    network_id: network.id,
    ip_version: 6,
    cidr: "fd00:2::/64",
    ipv6_ra_mode: "slaac",
    ipv6_address_mode: "slaac",
  });
  const first = await plug(tenant, router, { subnet_id: subnet.id });
  const second = await plug(tenant, router, { subnet_id: other.id });
  assert.equal(first["port_id"], second["port_id"]);
  await unplug(tenant, router, { subnet_id: subnet.id });
  assert.deepEqual((await tenant.show("port", String(first["port_id"])))["fixed_ips"], [
    { subnet_id: other.id, ip_address: "fd00:2::1" },
  ]);
  await unplug(tenant, router, { subnet_id: other.id });
  await tenant.expect(404, "GET", `/v2.0/ports/${String(first["port_id"])}`);
  const foreign = await networkWithSubnet(tenant, "fd00:3::/64", { ipv6_address_mode: "slaac" });
  await plug(tenant, router, { subnet_id: foreign.subnet.id }, 400);
});

test("extra routes", async () => {
  const tenant = world.tenant();
  const router = await tenant.create("router", {});
  const { subnet } = await networkWithSubnet(tenant);
  await plug(tenant, router, { subnet_id: subnet.id });
  const put = (routes: unknown, status = 200) =>
    tenant.expect(status, "PUT", `/v2.0/routers/${router.id}`, { router: { routes } });
  const routes = [
    { destination: "10.9.0.0/16", nexthop: "10.0.0.9" },
    { destination: "10.10.0.0/16", nexthop: "10.0.0.10" },
  ];
  assert.deepEqual(((await put(routes))["router"] as Wire)["routes"], routes);
  await put([{ destination: "10.9.0.0/16", nexthop: "192.168.1.1" }], 400);
  await put([{ destination: "10.9.0.0/16", nexthop: "10.0.0.1" }], 400);
  await put([{ destination: "nonsense", nexthop: "10.0.0.9" }], 400);
  await unplug(tenant, router, { subnet_id: subnet.id }, 409);
  assert.deepEqual(((await put(null))["router"] as Wire)["routes"], []);
  await unplug(tenant, router, { subnet_id: subnet.id });
});

test("floating IPs: made, put on a port, moved to another router, taken off, deleted with nothing left", async () => {
  const tenant = world.tenant();
  const places = await Promise.all(
    ["10.1.0.0/24", "10.2.0.0/24"].map(async (cidr) => {
      const router = await withGateway(tenant);
      const { network, subnet } = await networkWithSubnet(tenant, cidr);
      await plug(tenant, router, { subnet_id: subnet.id });
      return { router, subnet, port: await tenant.create("port", { network_id: network.id }) };
    }),
  );
  const [one, other] = places;
  assert.ok(one && other);
  const made = await tenant.create("floatingip", { floating_network_id: external.network.id, port_id: one.port.id });
  const address = (one.port["fixed_ips"] as { ip_address: string }[])[0]?.ip_address;
  assert.deepEqual(
    [made["router_id"], made["port_id"], made["fixed_ip_address"]],
    [one.router.id, one.port.id, address],
  );
  assert.deepEqual(await tenant.show("floatingip", made.id), made);
  const path = `/v2.0/floatingips/${made.id}`;
  const update = async (floatingip: object, status = 200): Promise<Wire> =>
    (await tenant.expect(status, "PUT", path, { floatingip }))["floatingip"] as Wire;
  assert.equal((await update({ port_id: other.port.id }))["router_id"], other.router.id);
  assert.equal((await update({ description: "d" }))["port_id"], other.port.id);
  await tenant.expect(409, "POST", "/v2.0/floatingips", {
    floatingip: { floating_network_id: external.network.id, port_id: other.port.id },
  });
  await unplug(tenant, other.router, { subnet_id: other.subnet.id }, 409);
  await tenant.expect(409, "PUT", `/v2.0/routers/${other.router.id}`, { router: { external_gateway_info: {} } });
  const freed = await update({ port_id: null });
  assert.deepEqual([freed["router_id"], freed["port_id"], freed["fixed_ip_address"]], [null, null, null]);
  await update({ port_id: one.port.id });
  await tenant.expect(204, "DELETE", `/v2.0/ports/${one.port.id}`);
  const cleared = await tenant.show("floatingip", made.id);
  assert.deepEqual([cleared["router_id"], cleared["port_id"], cleared["fixed_ip_address"]], [null, null, null]);
  await world.tenant().expect(404, "GET", path);
  await tenant.expect(204, "DELETE", path);
  await tenant.expect(404, "GET", path);
  assert.deepEqual(await world.operator.list("port", `?device_id=${made.id}`), []);
});

test("floating IPs that cannot be", async () => {
  const tenant = world.tenant();
  const { network, subnet } = await networkWithSubnet(tenant);
  const port = await tenant.create("port", { network_id: network.id });
  const post = async (wire: object): Promise<[number, string]> => {
    const answer = await tenant.call("POST", "/v2.0/floatingips", { floatingip: wire });
    return [answer.status, errorOf(answer).type];
  };
  const onExternal = { floating_network_id: external.network.id };
  assert.deepEqual(await post({ floating_network_id: network.id }), [400, "BadRequest"]);
  assert.deepEqual(await post({ floating_network_id: crypto.randomUUID() }), [404, "NetworkNotFound"]);
  assert.deepEqual(await post({ ...onExternal, port_id: port.id }), [404, "ExternalGatewayForFloatingIPNotFound"]);
  assert.deepEqual(await post({ ...onExternal, port_id: "nonsense" }), [404, "PortNotFound"]);
  assert.deepEqual(await post({ ...onExternal, fixed_ip_address: "10.0.0.9" }), [400, "BadRequest"]);
  assert.deepEqual(await post({ ...onExternal, floating_ip_address: "172.24.4.99" }), [403, "PolicyNotAuthorized"]);
  await plug(tenant, await withGateway(tenant), { subnet_id: subnet.id });
  assert.deepEqual(await post({ ...onExternal, port_id: port.id, fixed_ip_address: "10.0.0.200" }), [
    400,
    "BadRequest",
  ]);
  assert.deepEqual(await tenant.list("floatingip"), []);
  assert.deepEqual(
    (await world.operator.list("port", "?device_owner=network%3Afloatingip")).filter(
      (one) => one["network_id"] !== external.network.id,
    ),
    [],
  );
  const chosen = await world.operator.create("floatingip", {
    ...onExternal,
    tenant_id: tenant.projectId,
    floating_ip_address: "172.24.4.200",
  });
  assert.equal((await tenant.show("floatingip", chosen.id))["floating_ip_address"], "172.24.4.200");
});

test("an external pool is used up, and racing creates share what is left", async () => {
  const small = await externalNetwork(world.operator, { start: "172.24.4.100", end: "172.24.4.104" });
  const tenant = world.tenant();
  const answers = await Promise.all(
    Array.from({ length: 12 }, () =>
      tenant.call("POST", "/v2.0/floatingips", { floatingip: { floating_network_id: small.network.id } }),
    ),
  );
  const made = answers
    .filter((answer) => answer.status === 201)
    .map((answer) => (answer.body as { floatingip: Wire }).floatingip["floating_ip_address"]);
  assert.equal(new Set(made).size, 5);
  assert.equal(made.length, 5);
  for (const answer of answers)
    if (answer.status !== 201) assert.equal(errorOf(answer).type, "IpAddressGenerationFailure");
});
