import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { systemOrigin } from "@andromede/platform/events/append";

import { type Transaction, transact } from "../../../db/transaction.ts";
import {
  type CreateServerPorts,
  type ServerPort,
  addServerFixedIp,
  addServerSecurityGroup,
  attachPort,
  bindPorts,
  createServerPorts,
  detachPort,
  networkingOfServer,
  portsObserved,
  projectQuotaUsage,
  releaseServerPorts,
  removeServerFixedIp,
  removeServerSecurityGroup,
  serverIdsWithAddress,
  serverInterfaces,
  serverPortsReady,
} from "../public.ts";
import { networkReconcilers } from "../reconcilers.ts";
import { type Tenant, type World, createWorld, externalNetwork, networkWithSubnet } from "../testing/network-world.ts";

let world: World;
before(async () => {
  world = await createWorld({ reconcilers: networkReconcilers });
});
after(() => world.close());

const inTransaction = <T>(work: (tx: Transaction) => Promise<T>): Promise<T> =>
  transact(world.test.app, systemOrigin("test"), work);
const create = (tenant: Tenant, more: Partial<CreateServerPorts>): Promise<ServerPort[]> =>
  inTransaction((tx) =>
    createServerPorts(tx, {
      serverId: crypto.randomUUID(),
      projectId: tenant.projectId,
      isAdmin: false,
      requested: "implicit",
      availabilityZone: "nova",
      hostname: "web-1",
      ...more,
    }),
  );

test("the project's only network, none, or too many", async () => {
  const tenant = world.tenant();
  assert.deepEqual(await create(tenant, {}), []);
  await assert.rejects(create(tenant, { requested: "auto" }), { kind: "invalid" });
  const { network } = await networkWithSubnet(tenant);
  const [port, more] = await create(tenant, {});
  assert.ok(port !== undefined && more === undefined);
  assert.equal(port.networkId, network.id);
  assert.deepEqual(await create(tenant, { requested: "none" }), []);
  assert.equal((await create(tenant, { requested: "auto" })).length, 1);
  await networkWithSubnet(tenant, "10.1.0.0/24");
  for (const requested of ["implicit", "auto"] as const) {
    await assert.rejects(create(tenant, { requested }), {
      kind: "conflict",
      message: "Multiple possible networks found, use a Network ID to be more specific.",
    });
  }
});

test("ports in the order asked for, made and given; released as they came", async () => {
  const tenant = world.tenant();
  const serverId = crypto.randomUUID();
  const { network, subnet } = await networkWithSubnet(tenant);
  const other = await networkWithSubnet(tenant, "10.1.0.0/24");
  const given = await tenant.create("port", { network_id: other.network.id, name: "mine" });
  const group = await tenant.create("security_group", { name: "web" });
  const ports = await create(tenant, {
    serverId,
    requested: [
      { networkId: network.id, fixedIp: "10.0.0.77", tag: "front" },
      { portId: given.id },
      { networkId: other.network.id },
    ],
    securityGroups: ["web"],
  });
  assert.deepEqual(
    ports.map((port) => [port.networkId, port.tag]),
    [
      [network.id, "front"],
      [other.network.id, null],
      [other.network.id, null],
    ],
  );
  assert.equal(ports[1]?.id, given.id);
  assert.deepEqual(ports[0]?.fixedIps, [{ subnetId: subnet.id, ipAddress: "10.0.0.77" }]);
  const shown = await tenant.show("port", String(ports[0]?.id));
  assert.deepEqual(
    [shown["device_id"], shown["device_owner"], shown["dns_name"], shown["security_groups"]],
    [serverId, "compute:nova", "web-1", [group.id]],
  );
  const { db } = world.test.app;
  assert.deepEqual(
    (await serverInterfaces(db, serverId)).map((one) => one.id),
    ports.map((port) => port.id),
  );
  await tenant.expect(409, "PUT", `/v2.0/ports/${given.id}`, { port: { device_id: "" } });
  await inTransaction((tx) => releaseServerPorts(tx, serverId));
  await inTransaction((tx) => releaseServerPorts(tx, serverId));
  await tenant.expect(404, "GET", `/v2.0/ports/${ports[0]?.id}`);
  assert.deepEqual(await tenant.show("port", given.id).then((port) => [port["device_id"], port["device_owner"]]), [
    "",
    "",
  ]);
});

test("what Nova refuses, as Nova does", async () => {
  const tenant = world.tenant();
  const stranger = world.tenant();
  const { network } = await networkWithSubnet(tenant);
  const bare = await tenant.create("network", {});
  const external = await externalNetwork(world.operator);
  const foreign = await networkWithSubnet(stranger);
  const foreignPort = await stranger.create("port", { network_id: foreign.network.id });
  const used = await tenant.create("port", { network_id: network.id });
  await create(tenant, { requested: [{ portId: used.id }] });
  const unaddressed = await tenant.create("port", { network_id: bare.id });
  for (const name of ["twin", "twin"]) await tenant.create("security_group", { name });
  const cases: [Partial<CreateServerPorts>, { kind: string; message?: RegExp }][] = [
    [{ requested: [{ networkId: "nowhere" }] }, { kind: "invalid", message: /^Network nowhere could not be found/ }],
    [{ requested: [{ networkId: foreign.network.id }] }, { kind: "invalid" }],
    [{ requested: [{ networkId: external.network.id }] }, { kind: "forbidden", message: /external network/ }],
    [{ requested: [{ networkId: bare.id }] }, { kind: "invalid", message: /requires a subnet/ }],
    [{ requested: [{ portId: "nowhere" }] }, { kind: "invalid", message: /^Port id nowhere could not be found/ }],
    [{ requested: [{ portId: foreignPort.id }] }, { kind: "invalid" }],
    [{ requested: [{ portId: used.id }] }, { kind: "conflict", message: /is still in use/ }],
    [{ requested: [{ portId: unaddressed.id }] }, { kind: "invalid", message: /requires a FixedIP/ }],
    [{ requested: [{ networkId: network.id, fixedIp: "192.168.0.1" }] }, { kind: "invalid" }],
    [
      {
        requested: [
          { networkId: network.id, fixedIp: "10.0.0.1" },
          { networkId: network.id, fixedIp: "10.0.0.1" },
        ],
      },
      { kind: "invalid", message: /already in use/ },
    ],
    [
      { requested: [{ networkId: network.id }], securityGroups: ["nonsense"] },
      { kind: "invalid", message: /^Security group nonsense not found for project/ },
    ],
    [
      { requested: [{ networkId: network.id }], securityGroups: ["twin"] },
      { kind: "conflict", message: /^Multiple security_group matches found for name 'twin'/ },
    ],
  ];
  for (const [request, error] of cases) await assert.rejects(create(tenant, request), error, JSON.stringify(request));
  await world.setQuota(tenant, { port: 0 });
  await assert.rejects(create(tenant, { requested: [{ networkId: network.id }] }), {
    kind: "overQuota",
    status: 403,
    message: "Maximum number of ports exceeded",
  });
});

test("a name alone does not make a port a server's: device_id is any text", async () => {
  const [tenant, stranger] = [world.tenant(), world.tenant()];
  const serverId = crypto.randomUUID();
  await networkWithSubnet(tenant);
  await create(tenant, { serverId });
  const { network } = await networkWithSubnet(stranger);
  await stranger.create("port", { network_id: network.id, device_id: serverId, device_owner: "compute:nova" });
  assert.equal((await serverInterfaces(world.test.app.db, serverId)).length, 1);
  assert.equal((await networkingOfServer(world.test.app.db, serverId)).addresses.length, 1);
});

test("bound, realised, up: what compute waits for and what Neutron shows", async () => {
  const tenant = world.tenant();
  const serverId = crypto.randomUUID();
  const { db } = world.test.app;
  await networkWithSubnet(tenant);
  const [port] = await create(tenant, { serverId });
  assert.ok(port);
  await world.test.drain();
  assert.equal(await serverPortsReady(db, serverId), null);
  await inTransaction((tx) => bindPorts(tx, serverId, "host1"));
  const waited = await serverPortsReady(db, serverId);
  assert.ok(waited === null || waited === `port/${port.id}`);
  await world.test.drain();
  assert.equal(await serverPortsReady(db, serverId), null);
  const status = async (): Promise<unknown> => (await tenant.show("port", port.id))["status"];
  assert.equal(await status(), "DOWN");
  assert.deepEqual(await portsObserved(db, "host2", [{ serverId, portsUp: [port.id] }]), []);
  assert.deepEqual(await portsObserved(db, "host1", [{ serverId, portsUp: [port.id] }]), [serverId]);
  assert.deepEqual(await portsObserved(db, "host1", [{ serverId, portsUp: [port.id] }]), []);
  assert.equal(await status(), "ACTIVE");
  await inTransaction((tx) => bindPorts(tx, serverId, "host1"));
  assert.equal(await status(), "ACTIVE");
  assert.deepEqual(await portsObserved(db, "host1", [{ serverId, portsUp: [] }]), [serverId]);
  assert.equal(await status(), "DOWN");
  const [seen] = await world.operator.list("port", `?id=${port.id}`);
  assert.deepEqual([seen?.["binding:host_id"], seen?.["binding:vif_type"]], ["host1", "ovs"]);
});

test("what the guest must know: subnets, and the metadata port", async () => {
  const tenant = world.tenant();
  const serverId = crypto.randomUUID();
  const { network, subnet } = await networkWithSubnet(tenant, "10.0.0.0/24", { dns_nameservers: ["9.9.9.9"] });
  await create(tenant, { serverId });
  const [facts] = await serverInterfaces(world.test.app.db, serverId);
  assert.ok(facts);
  assert.deepEqual([facts.networkId, facts.networkName, facts.mtu], [network.id, "net", 1442]);
  assert.deepEqual(facts.addresses[0]?.subnet, {
    id: subnet.id,
    cidr: "10.0.0.0/24",
    version: 4,
    gatewayIp: "10.0.0.1",
    dnsNameservers: ["9.9.9.9"],
    hostRoutes: [],
    enableDhcp: true,
    ipv6RaMode: null,
    ipv6AddressMode: null,
  });
  const [own] = await tenant.list("port", `?network_id=${network.id}&device_owner=network%3Adistributed`);
  const address = ((own?.["fixed_ips"] ?? []) as { ip_address: string }[])[0]?.ip_address;
  assert.deepEqual(facts.metadataPort, { id: own?.id, macAddress: own?.["mac_address"], addresses: [`${address}/24`] });
  await tenant.expect(200, "PUT", `/v2.0/subnets/${subnet.id}`, { subnet: { enable_dhcp: false } });
  assert.equal((await serverInterfaces(world.test.app.db, serverId))[0]?.metadataPort, null);
});

test("addresses, floating ones behind their own; found by a part", async () => {
  const tenant = world.tenant();
  const serverId = crypto.randomUUID();
  const { db } = world.test.app;
  const { network } = await externalNetwork(world.operator);
  const router = await tenant.create("router", { external_gateway_info: { network_id: network.id } });
  const { subnet } = await networkWithSubnet(tenant, "10.66.0.0/24");
  await tenant.expect(200, "PUT", `/v2.0/routers/${router.id}/add_router_interface`, { subnet_id: subnet.id });
  const [port] = await create(tenant, { serverId });
  assert.ok(port);
  const floating = await tenant.create("floatingip", { floating_network_id: network.id, port_id: port.id });
  const { addresses } = await networkingOfServer(db, serverId);
  assert.deepEqual((await networkingOfServer(db, "nobody")).addresses, []);
  assert.deepEqual(
    addresses.map(({ networkName, address, type, version }) => [networkName, address, type, version]),
    [
      ["net", port.fixedIps[0]?.ipAddress, "fixed", 4],
      ["net", floating["floating_ip_address"], "floating", 4],
    ],
  );
  assert.deepEqual(await serverIdsWithAddress(db, tenant.projectId, { version: 4, regex: "^10\\.66\\.0\\." }), [
    serverId,
  ]);
  assert.deepEqual(await serverIdsWithAddress(db, world.tenant().projectId, { version: 4, regex: "." }), []);
  assert.deepEqual(await serverIdsWithAddress(db, tenant.projectId, { version: 6, regex: "." }), []);
  const usage = await projectQuotaUsage(db, tenant.projectId);
  assert.deepEqual([usage.floatingip, usage.security_group.used], [{ limit: 50, used: 1 }, 1]);
});

test("interfaces come and go while the server is there", async () => {
  const tenant = world.tenant();
  const serverId = crypto.randomUUID();
  const { network } = await networkWithSubnet(tenant);
  const base = {
    serverId,
    projectId: tenant.projectId,
    isAdmin: false,
    availabilityZone: "nova",
    hostname: "h",
    host: "host1",
  };
  const given = await tenant.create("port", { network_id: network.id });
  const made = await inTransaction((tx) => attachPort(tx, { ...base, requested: { networkId: network.id } }));
  await inTransaction((tx) => attachPort(tx, { ...base, requested: { portId: given.id } }));
  const [bound] = await world.operator.list("port", `?id=${made.id}`);
  assert.equal(bound?.["binding:host_id"], "host1");
  await assert.rejects(
    inTransaction((tx) => attachPort(tx, { ...base, requested: { portId: given.id } })),
    { kind: "conflict" },
  );
  for (const requested of [{ portId: "nowhere" }, { networkId: "nowhere" }]) {
    await assert.rejects(
      inTransaction((tx) => attachPort(tx, { ...base, requested })),
      { kind: "notFound" },
    );
  }
  assert.equal(await inTransaction((tx) => detachPort(tx, { serverId, portId: made.id })), true);
  assert.equal(await inTransaction((tx) => detachPort(tx, { serverId, portId: made.id })), false);
  assert.equal(await inTransaction((tx) => detachPort(tx, { serverId, portId: given.id })), true);
  await tenant.expect(404, "GET", `/v2.0/ports/${made.id}`);
  assert.equal((await tenant.show("port", given.id))["device_id"], "");
});

test("security groups of a server, added and removed", async () => {
  const tenant = world.tenant();
  const serverId = crypto.randomUUID();
  const { db } = world.test.app;
  await networkWithSubnet(tenant);
  await create(tenant, { serverId });
  const group = await tenant.create("security_group", { name: "web" });
  const request = { serverId, projectId: tenant.projectId, isAdmin: false, securityGroup: "web" };
  await inTransaction((tx) => addServerSecurityGroup(tx, request));
  await inTransaction((tx) => addServerSecurityGroup(tx, { ...request, securityGroup: group.id }));
  const names = async (): Promise<string[]> =>
    (await networkingOfServer(db, serverId)).securityGroups.map((one) => one.name);
  assert.deepEqual(await names(), ["default", "web"]);
  await tenant.expect(409, "DELETE", `/v2.0/security-groups/${group.id}`);
  await inTransaction((tx) => removeServerSecurityGroup(tx, request));
  assert.deepEqual(await names(), ["default"]);
  await assert.rejects(
    inTransaction((tx) => removeServerSecurityGroup(tx, request)),
    { kind: "notFound" },
  );
  await assert.rejects(
    inTransaction((tx) => addServerSecurityGroup(tx, { ...request, securityGroup: "nonsense" })),
    { kind: "notFound" },
  );
});

test("one more address on a server's port, and one less", async () => {
  const tenant = world.tenant();
  const serverId = crypto.randomUUID();
  const of = { serverId, projectId: tenant.projectId, isAdmin: false };
  const { network } = await networkWithSubnet(tenant);
  const addresses = async (): Promise<string[]> =>
    (await networkingOfServer(world.test.app.db, serverId)).addresses.map((one) => one.address);
  await create(tenant, { serverId });
  const [first = ""] = await addresses();
  await inTransaction((tx) => addServerFixedIp(tx, { ...of, networkId: network.id }));
  const both = await addresses();
  assert.equal(both.length, 2);
  assert.ok(both.includes(first));
  await inTransaction((tx) => removeServerFixedIp(tx, { ...of, address: first }));
  assert.deepEqual(
    await addresses(),
    both.filter((address) => address !== first),
  );
  await assert.rejects(
    inTransaction((tx) => addServerFixedIp(tx, { ...of, networkId: crypto.randomUUID() })),
    { kind: "notFound", message: `Network could not be found for instance ${serverId}.` },
  );
  await assert.rejects(
    inTransaction((tx) => removeServerFixedIp(tx, { ...of, address: first })),
    { kind: "invalid", message: `Instance ${serverId} doesn't have fixed IP '${first}'.` },
  );
});
