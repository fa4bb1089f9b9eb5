/** The network service against a real OVN northbound database: after every call the database is as the API says. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { silentLogger } from "@andromede/base/log";
import { systemOrigin } from "@andromede/platform/events/append";
import { type TestOvsdbServer, startOvsdbServer } from "@andromede/testkit/engines";

import { transact } from "../../db/transaction.ts";
import { insertKeys } from "../../reconcile/queue.ts";
import { type OvnNorthbound, type TableName, connectNorthbound } from "./ovn/northbound.ts";
import { bindPorts, createServerPorts } from "./public.ts";
import { networkReconcilers } from "./reconcilers.ts";
import { networkClasses } from "./classes.ts";
import { type Tenant, type World, createWorld, externalNetwork, networkWithSubnet } from "./testing/network-world.ts";

let world: World;
let server: TestOvsdbServer;
let ovn: OvnNorthbound;
before(async () => {
  server = await startOvsdbServer({ schema: "usr/share/ovn/ovn-nb.ovsschema" });
  ovn = await connectNorthbound({ address: server.address, log: silentLogger });
  world = await createWorld({ reconcilers: networkReconcilers, ovn });
});
after(async () => {
  await world.close();
  await ovn.close();
  await server.stop();
});

/** Rows of a table that name the id anywhere. */
const rowsAbout = (table: TableName, id: string): unknown[] =>
  [...ovn.client.table(table).rows.values()].filter((row) => JSON.stringify(row).includes(id));
const TABLES: TableName[] = [
  "Logical_Switch",
  "Logical_Switch_Port",
  "Port_Group",
  "ACL",
  "DHCP_Options",
  "DNS",
  "Logical_Router",
  "Logical_Router_Port",
  "Logical_Router_Static_Route",
  "NAT",
];
const tracesOf = (...ids: string[]): string[] =>
  TABLES.flatMap((table) => ids.flatMap((id) => (rowsAbout(table, id).length > 0 ? [`${table} ${id}`] : [])));
const portRow = (id: string) => ovn.named.Logical_Switch_Port.first(id);

async function wholePlace(tenant: Tenant) {
  const external = await externalNetwork(world.operator);
  const router = await tenant.create("router", {
    name: "r",
    external_gateway_info: { network_id: external.network.id },
  });
  const { network, subnet } = await networkWithSubnet(tenant, "10.0.0.0/24", { dns_nameservers: ["9.9.9.9"] });
  const leg = await tenant.expect(200, "PUT", `/v2.0/routers/${router.id}/add_router_interface`, {
    subnet_id: subnet.id,
  });
  const group = await tenant.create("security_group", { name: "web" });
  await tenant.create("security_group_rule", {
    security_group_id: group.id,
    direction: "ingress",
    protocol: "tcp",
    port_range_min: 80,
    port_range_max: 80,
  });
  const port = await tenant.create("port", { network_id: network.id, security_groups: [group.id] });
  const floating = await tenant.create("floatingip", { floating_network_id: external.network.id, port_id: port.id });
  await world.test.drain();
  return { external, router, network, subnet, leg, group, port, floating };
}

test("everything reaches OVN, and is realised when it has", async () => {
  const tenant = world.tenant();
  const { router, network, subnet, leg, group, port, floating, external } = await wholePlace(tenant);
  const row = portRow(port.id);
  assert.ok(row);
  const [address] = (port["fixed_ips"] as { ip_address: string }[]).map((ip) => ip.ip_address);
  assert.deepEqual(row.addresses, [`${String(port["mac_address"])} ${address}`]);
  assert.ok(row.dhcpv4_options !== null);
  const own = (await tenant.list("port", `?network_id=${network.id}&device_owner=network%3Adistributed`))[0];
  assert.equal(portRow(String(own?.id))?.type, "localport");
  assert.equal(own?.["status"], "ACTIVE");
  const [dhcp] = rowsAbout("DHCP_Options", subnet.id) as { options: { [name: string]: string } }[];
  const metadata = ((own?.["fixed_ips"] ?? []) as { ip_address: string }[])[0]?.ip_address;
  assert.match(dhcp?.options["classless_static_route"] ?? "", new RegExp(`169\\.254\\.169\\.254/32,\\s*${metadata}`));
  assert.equal(rowsAbout("Logical_Router", router.id).length, 1);
  assert.equal((await tenant.show("port", String(leg["port_id"])))["status"], "ACTIVE");
  assert.deepEqual(ovn.named.Logical_Router_Port.first(`lrp-${String(leg["port_id"])}`)?.networks, ["10.0.0.1/24"]);
  const nats = rowsAbout("NAT", router.id) as { type: string; external_ip: string; logical_ip: string }[];
  assert.deepEqual(nats.map((nat) => `${nat.type} ${nat.logical_ip}`).toSorted(), [
    `dnat_and_snat ${address}`,
    "snat 10.0.0.0/24",
  ]);
  assert.equal((await tenant.show("floatingip", floating.id))["status"], "ACTIVE");
  assert.equal(rowsAbout("ACL", group.id.replaceAll("-", "_")).length, 3);
  assert.ok(ovn.named.Logical_Switch_Port.first(`provnet-${external.network.id}`));
});

test("changes follow", async () => {
  const tenant = world.tenant();
  const { network, subnet } = await networkWithSubnet(tenant);
  const port = await tenant.create("port", { network_id: network.id });
  await tenant.expect(200, "PUT", `/v2.0/ports/${port.id}`, {
    port: {
      admin_state_up: false,
      fixed_ips: [{ subnet_id: subnet.id, ip_address: "10.0.0.99" }],
      extra_dhcp_opts: [{ opt_name: "mtu", opt_value: "1234" }],
    },
  });
  await tenant.expect(200, "PUT", `/v2.0/subnets/${subnet.id}`, { subnet: { dns_nameservers: ["1.1.1.1"] } });
  await world.test.drain();
  const row = portRow(port.id);
  assert.equal(row?.enabled, false);
  assert.match(row?.addresses[0] ?? "", / 10\.0\.0\.99$/);
  const options = rowsAbout("DHCP_Options", port.id) as { options: { [name: string]: string } }[];
  assert.equal(options[0]?.options["mtu"], "1234");
  assert.equal(options[0]?.options["dns_server"], "{1.1.1.1}");
  await tenant.expect(200, "PUT", `/v2.0/subnets/${subnet.id}`, { subnet: { enable_dhcp: false } });
  await world.test.drain();
  assert.equal(portRow(port.id)?.dhcpv4_options, null);
});

test("a server's port is bound to its host", async () => {
  const tenant = world.tenant();
  await networkWithSubnet(tenant);
  const serverId = crypto.randomUUID();
  const request = {
    serverId,
    projectId: tenant.projectId,
    isAdmin: false,
    requested: "implicit" as const,
    availabilityZone: "nova",
    hostname: "web",
  };
  const [port] = await transact(world.test.app, systemOrigin("test"), (tx) => createServerPorts(tx, request));
  assert.ok(port);
  await transact(world.test.app, systemOrigin("test"), (tx) => bindPorts(tx, serverId, "host1"));
  await world.test.drain();
  assert.equal(portRow(port.id)?.options["requested-chassis"], "host1");
  assert.equal(
    (rowsAbout("DNS", port.id) as { records: { [name: string]: string } }[])[0]?.records["web"],
    port.fixedIps[0]?.ipAddress,
  );
});

test("what is deleted leaves no row", async () => {
  const tenant = world.tenant();
  const place = await wholePlace(tenant);
  const { router, network, subnet, leg, group, port, floating, external } = place;
  for (const path of [`floatingips/${floating.id}`, `ports/${port.id}`])
    await tenant.expect(204, "DELETE", `/v2.0/${path}`);
  await tenant.expect(200, "PUT", `/v2.0/routers/${router.id}/remove_router_interface`, { subnet_id: subnet.id });
  for (const path of [`routers/${router.id}`, `networks/${network.id}`, `security-groups/${group.id}`])
    await tenant.expect(204, "DELETE", `/v2.0/${path}`);
  await world.operator.expect(204, "DELETE", `/v2.0/networks/${external.network.id}`);
  await world.test.drain();
  const ids = [
    router.id,
    network.id,
    subnet.id,
    String(leg["port_id"]),
    group.id,
    group.id.replaceAll("-", "_"),
    port.id,
    floating.id,
    external.network.id,
  ];
  assert.deepEqual(tracesOf(...ids), []);
});

test("a project is purged by the registry's order, and nothing of it is left", async () => {
  const tenant = world.tenant();
  const { router, network, subnet, group, port, floating } = await wholePlace(tenant);
  await tenant.expect(200, "PUT", `/v2.0/routers/${router.id}`, {
    router: { routes: [{ destination: "10.9.0.0/16", nexthop: "10.0.0.9" }] },
  });
  const { app } = world.test;
  const exported: string[] = [];
  for (const entry of networkClasses.toSorted((a, b) => a.deleteOrder - b.deleteOrder)) {
    for (const id of await entry.list(app, tenant.projectId)) {
      if ((await entry.export(app, id)) !== null) exported.push(entry.name);
      await transact(app, systemOrigin("purge"), async (tx) => entry.remove?.(app, tx, id));
    }
    assert.deepEqual(await entry.list(app, tenant.projectId), [], entry.name);
  }
  assert.deepEqual([...new Set(exported)].toSorted(), [
    "network.floatingip",
    "network.network",
    "network.port",
    "network.quota",
    "network.router",
    "network.security_group",
    "network.security_group_rule",
    "network.subnet",
  ]);
  await world.test.drain();
  assert.deepEqual(tracesOf(router.id, network.id, subnet.id, group.id.replaceAll("-", "_"), port.id, floating.id), []);
});

test("the sweep removes what belongs to nobody and brings back what OVN lost", async () => {
  const tenant = world.tenant();
  const { network, port, router, leg, group } = await wholePlace(tenant);
  const { db } = world.test.app;
  // as after a crash between a commit and a lost queue: OVN knows a port that nobody has
  const orphan = await tenant.create("port", { network_id: network.id });
  await world.test.drain();
  await db`delete from port where id = ${orphan.id}`;
  // as after a restored OVN database
  const lostSwitch = ovn.named.Logical_Switch.first(`andromede-${network.id}`);
  const lostRouter = ovn.named.Logical_Router.first(`andromede-${router.id}`);
  assert.ok(lostSwitch && lostRouter);
  await ovn.client.transact([
    { op: "delete", table: "Logical_Switch", where: [["_uuid", "==", lostSwitch._uuid]] },
    { op: "delete", table: "Logical_Router", where: [["_uuid", "==", lostRouter._uuid]] },
  ]);
  assert.equal(portRow(port.id), undefined);
  await insertKeys(db, ["network_sweep/ovn"]);
  await world.test.drain(30_000);
  assert.ok(portRow(port.id));
  assert.ok(ovn.named.Logical_Router_Port.first(`lrp-${String(leg["port_id"])}`));
  assert.deepEqual(tracesOf(orphan.id), []);
  assert.equal(rowsAbout("ACL", group.id.replaceAll("-", "_")).length, 3);
});

test("OVN away: the API answers, and what it took is there when OVN is back", async () => {
  const tenant = world.tenant();
  await server.kill();
  const { network } = await networkWithSubnet(tenant);
  const port = await tenant.create("port", { network_id: network.id });
  assert.equal((await tenant.show("port", port.id))["status"], "DOWN");
  await server.start();
  await world.test.drain(30_000);
  assert.ok(portRow(port.id));
});
