import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { silentLogger } from "@andromede/base/log";
import {
  type OvnFloatingIp,
  ensureFloatingIp,
  removeFloatingIp,
} from "@andromede/control-plane/ovn/floating-ips/floating-ip.ovn";
import { type OvnNetwork, ensureNetwork, removeNetwork } from "@andromede/control-plane/ovn/networks/network.ovn";
import { type OvnNorthbound, connectNorthbound } from "@andromede/control-plane/ovn/ovn/northbound";
import { OWNED_CLASSES, listOwned, removeOwned } from "@andromede/control-plane/ovn/ovn/owned.ovn";
import { type OvnPort, ensurePort, removePort } from "@andromede/control-plane/ovn/ports/port.ovn";
import {
  type OvnRouterInterface,
  ensureRouterInterface,
  removeRouterInterface,
} from "@andromede/control-plane/ovn/routers/router-port.ovn";
import { type OvnRouter, ensureRouter, removeRouter } from "@andromede/control-plane/ovn/routers/router.ovn";
import type { OvnSecurityGroupRule } from "@andromede/control-plane/ovn/security-groups/security-group-acls.ovn";
import {
  ensureBase,
  ensureSecurityGroup,
  removeSecurityGroup,
} from "@andromede/control-plane/ovn/security-groups/security-group.ovn";
import { type OvnSubnet, ensureSubnet, removeSubnet } from "@andromede/control-plane/ovn/subnets/subnet.ovn";
import { type TestOvsdbServer, startOvsdbServer } from "@andromede/testkit/engines";

let server: TestOvsdbServer;
let ovn: OvnNorthbound;
before(async () => {
  server = await startOvsdbServer({ schema: "usr/share/ovn/ovn-nb.ovsschema" });
  ovn = await connectNorthbound({ address: server.address, log: silentLogger, readyTimeoutMs: 5_000 });
});
after(async () => {
  await ovn.close();
  await server.stop();
});

const id = (kind: string, number = 1): string =>
  `${kind.padEnd(8, "0")}-0000-4000-8000-${String(number).padStart(12, "0")}`;
const NET = id("aaaa");
const OUTSIDE = id("eeee");
const network = (over: Partial<OvnNetwork> = {}): OvnNetwork => ({
  id: NET,
  name: "net",
  physical: null,
  vlanTransparent: false,
  ...over,
});
const subnet = (over: Partial<OvnSubnet> = {}): OvnSubnet => ({
  id: id("bbbb"),
  ipVersion: 4,
  cidr: "10.0.0.0/24",
  gatewayIp: "10.0.0.1",
  enableDhcp: true,
  dnsServers: ["9.9.9.9"],
  hostRoutes: [],
  ipv6AddressMode: null,
  networkMtu: 1442,
  metadataAddress: "10.0.0.2",
  dnsDomain: null,
  ...over,
});
const port = (over: Partial<OvnPort> = {}): OvnPort => ({
  id: id("cccc"),
  networkId: NET,
  name: "",
  kind: "guest",
  macAddress: "fa:16:3e:00:00:01",
  fixedIps: [{ subnetId: id("bbbb"), ipAddress: "10.0.0.10" }],
  adminStateUp: true,
  portSecurityEnabled: true,
  allowedAddressPairs: [],
  securityGroupIds: [],
  host: null,
  extraDhcpOptions: [],
  dns: null,
  qos: [],
  ...over,
});
const rule = (over: Partial<OvnSecurityGroupRule> = {}): OvnSecurityGroupRule => ({
  id: id("dddd"),
  direction: "ingress",
  ethertype: "IPv4",
  protocol: "tcp",
  portRangeMin: 22,
  portRangeMax: 22,
  remoteIpPrefix: null,
  remoteGroupId: null,
  ...over,
});
const router = (over: Partial<OvnRouter> = {}): OvnRouter => ({
  id: id("ffff"),
  name: "router",
  adminStateUp: true,
  routes: [],
  gateway: null,
  ...over,
});
const gateway: NonNullable<OvnRouter["gateway"]> = {
  portId: id("9999"),
  networkId: OUTSIDE,
  macAddress: "fa:16:3e:00:00:99",
  addresses: [{ ipAddress: "192.0.2.10", prefixLength: 24 }],
  mtu: 1442,
  chassis: ["host1", "host2"],
  gatewayIps: ["192.0.2.1"],
  enableSnat: true,
  internalCidrs: ["10.0.0.0/24"],
};
const leg = (over: Partial<OvnRouterInterface> = {}): OvnRouterInterface => ({
  routerId: id("ffff"),
  portId: id("7777"),
  networkId: NET,
  macAddress: "fa:16:3e:00:00:77",
  addresses: [{ ipAddress: "10.0.0.1", prefixLength: 24 }],
  adminStateUp: true,
  ipv6: null,
  physical: false,
  ...over,
});
const floating: OvnFloatingIp = {
  id: id("6666"),
  routerId: id("ffff"),
  floatingIpAddress: "192.0.2.20",
  fixedIpAddress: "10.0.0.10",
  portId: id("cccc"),
  distributedMac: null,
};

const switchPort = (portId: string) => ovn.named.Logical_Switch_Port.first(portId);
const groupPorts = (name: string): readonly string[] => {
  const table = ovn.client.table("Logical_Switch_Port");
  return (ovn.named.Port_Group.first(name)?.ports ?? []).map((uuid) => table.get(uuid)?.name ?? "?").toSorted();
};
const tableSizes = (): Record<string, number> =>
  Object.fromEntries(
    (
      [
        "Logical_Switch",
        "Logical_Switch_Port",
        "Port_Group",
        "ACL",
        "DHCP_Options",
        "DNS",
        "Logical_Router",
        "Logical_Router_Port",
        "Logical_Router_Static_Route",
        "Gateway_Chassis",
        "NAT",
      ] as const
    ).map((table) => [table, ovn.client.table(table).rows.size]),
  );

/** Writes, and checks that writing the same again sends nothing. */
async function settles(write: () => Promise<boolean>): Promise<void> {
  assert.equal(await write(), true, "the first time something must change");
  assert.equal(await write(), false, "the second time nothing may");
}

async function sweepAll(): Promise<void> {
  const owned = await listOwned(ovn);
  for (const owner of OWNED_CLASSES) for (const each of owned[owner]) await removeOwned(ovn, owner, each);
}

test("a whole project's network: everything settles at once, and leaves nothing behind", async () => {
  await ensureBase(ovn);
  const empty = tableSizes();
  const group = {
    id: id("1111"),
    name: "default",
    stateful: true,
    rules: [
      rule(),
      rule({ id: id("dddd", 2), direction: "egress", protocol: null, portRangeMin: null, portRangeMax: null }),
      rule({ id: id("dddd", 3), protocol: null, portRangeMin: null, portRangeMax: null, remoteGroupId: id("1111") }),
    ],
  };
  const withGateway = router({ gateway, routes: [{ destination: "10.9.0.0/16", nexthop: "10.0.0.9" }] });
  await settles(() => ensureNetwork(ovn, network()));
  await settles(() =>
    ensureNetwork(ovn, network({ id: OUTSIDE, name: "outside", physical: { network: "external", vlan: 7 } })),
  );
  await settles(() => ensureSubnet(ovn, subnet()));
  await settles(() => ensureSecurityGroup(ovn, group));
  await settles(() =>
    ensurePort(ovn, port({ securityGroupIds: [id("1111")], dns: { hostname: "Web", domain: "example.org." } })),
  );
  await settles(() =>
    ensurePort(
      ovn,
      port({
        id: id("cccc", 2),
        kind: "metadata",
        macAddress: "fa:16:3e:00:00:02",
        fixedIps: [{ subnetId: id("bbbb"), ipAddress: "10.0.0.2" }],
      }),
    ),
  );
  await settles(() => ensureRouter(ovn, withGateway));
  await settles(() => ensureRouterInterface(ovn, leg()));
  await settles(() => ensureFloatingIp(ovn, floating));

  assert.deepEqual(groupPorts("andromede_pg_drop"), [id("cccc")]);
  assert.deepEqual(groupPorts("pg_11110000_0000_4000_8000_000000000001"), [id("cccc")]);
  assert.equal(switchPort(id("cccc"))?.dhcpv4_options, ovn.owned.DHCP_Options.first(`subnet/${id("bbbb")}`)?._uuid);
  assert.equal(switchPort(id("cccc", 2))?.dhcpv4_options, null);
  assert.deepEqual(
    [...ovn.client.table("NAT").rows.values()]
      .map((nat) => `${nat.type} ${nat.external_ip} ${nat.logical_ip}`)
      .toSorted(),
    ["dnat_and_snat 192.0.2.20 10.0.0.10", "snat 192.0.2.10 10.0.0.0/24"],
  );
  const owned = await listOwned(ovn);
  assert.deepEqual([...owned.network].toSorted(), [NET, OUTSIDE].toSorted());
  assert.deepEqual([...owned.router_port].toSorted(), [id("7777"), id("9999")].toSorted());
  assert.deepEqual([...owned.floatingip], [id("6666")]);

  await settles(() => removeFloatingIp(ovn, id("6666")));
  await settles(() => removeRouterInterface(ovn, id("7777")));
  await settles(() => removeRouter(ovn, id("ffff")));
  assert.equal(switchPort(id("9999")), undefined, "the gateway's port on the external switch went with the router");
  await settles(() => removePort(ovn, id("cccc")));
  await settles(() => removePort(ovn, id("cccc", 2)));
  await settles(() => removeSecurityGroup(ovn, id("1111")));
  await settles(() => removeSubnet(ovn, id("bbbb")));
  await settles(() => removeNetwork(ovn, NET));
  await settles(() => removeNetwork(ovn, OUTSIDE));
  assert.deepEqual(tableSizes(), empty);
});

test("a port before its subnet, a subnet's change, a port's own options: DHCP follows", async () => {
  await ensureNetwork(ovn, network());
  const own = port({
    id: id("cccc", 5),
    extraDhcpOptions: [
      { name: "bootfile-name", value: "pxe", ipVersion: 4 },
      { name: "121", value: "{1.2.3.0/24,10.0.0.5}", ipVersion: 4 },
    ],
  });
  await ensurePort(ovn, port());
  await ensurePort(ovn, own);
  assert.equal(switchPort(id("cccc"))?.dhcpv4_options, null);

  await settles(() => ensureSubnet(ovn, subnet()));
  const shared = ovn.owned.DHCP_Options.first(`subnet/${id("bbbb")}`);
  assert.equal(switchPort(id("cccc"))?.dhcpv4_options, shared?._uuid);
  const ownRow = () => ovn.owned.DHCP_Options.first(`port/${id("cccc", 5)}`);
  assert.equal(switchPort(id("cccc", 5))?.dhcpv4_options, ownRow()?._uuid);
  assert.equal(ownRow()?.options["bootfile_name"], '"pxe"');
  assert.equal(
    ownRow()?.options["classless_static_route"],
    "{169.254.169.254/32,10.0.0.2, 0.0.0.0/0,10.0.0.1, 1.2.3.0/24,10.0.0.5}",
  );

  await settles(() => ensureSubnet(ovn, subnet({ dnsServers: ["1.1.1.1", "9.9.9.9"] })));
  assert.equal(ownRow()?.options["dns_server"], "{1.1.1.1, 9.9.9.9}");
  await settles(() =>
    ensurePort(ovn, { ...own, extraDhcpOptions: [{ name: "dhcp_disabled", value: "true", ipVersion: 4 }] }),
  );
  assert.equal(switchPort(id("cccc", 5))?.dhcpv4_options, null);
  assert.equal(ownRow(), undefined);

  await settles(() => ensureSubnet(ovn, subnet({ enableDhcp: false })));
  assert.equal(switchPort(id("cccc"))?.dhcpv4_options, null);
  assert.equal(ovn.client.table("DHCP_Options").rows.size, 0);
  await sweepAll();
});

/** The same handle, whose writes are decided at once but sent only when told. */
function heldBack(): { handle: OvnNorthbound; send: () => void } {
  const gate = Promise.withResolvers<void>();
  const { client } = ovn;
  const held: OvnNorthbound["client"] = {
    synchronized: true,
    ready: (timeoutMs) => client.ready(timeoutMs),
    table: (name) => client.table(name),
    transact: async (operations) => {
      await gate.promise;
      return client.transact(operations);
    },
    onChange: (listener) => client.onChange(listener),
    changes: (signal) => client.changes(signal),
    close: () => undefined,
  };
  return { handle: { ...ovn, client: held }, send: () => gate.resolve() };
}

test("a port and its subnet decided at the same moment are tied, whichever is written first", async () => {
  const tied = () =>
    switchPort(id("cccc"))?.dhcpv4_options === ovn.owned.DHCP_Options.first(`subnet/${id("bbbb")}`)?._uuid;
  for (const first of ["port", "subnet"] as const) {
    await ensureNetwork(ovn, network());
    const { handle, send } = heldBack();
    const late = first === "port" ? ensureSubnet(handle, subnet()) : ensurePort(handle, port());
    await new Promise(setImmediate);
    await (first === "port" ? ensurePort(ovn, port()) : ensureSubnet(ovn, subnet()));
    send();
    await late;
    assert.ok(tied(), `${first} written first`);
    await sweepAll();
  }
});

test("of two IPv6 subnets a port takes the stateful one's DHCP; SLAAC has none", async () => {
  await ensureNetwork(ovn, network());
  const v6 = (number: number, mode: OvnSubnet["ipv6AddressMode"]) =>
    subnet({
      id: id("bbbb", number),
      ipVersion: 6,
      cidr: `fd00:${number}::/64`,
      gatewayIp: null,
      ipv6AddressMode: mode,
    });
  await ensureSubnet(ovn, v6(1, "dhcpv6-stateless"));
  await ensureSubnet(ovn, v6(2, "dhcpv6-stateful"));
  assert.equal(await ensureSubnet(ovn, v6(3, "slaac")), false);
  await ensurePort(
    ovn,
    port({ fixedIps: [1, 2, 3].map((number) => ({ subnetId: id("bbbb", number), ipAddress: `fd00:${number}::10` })) }),
  );
  assert.equal(switchPort(id("cccc"))?.dhcpv6_options, ovn.owned.DHCP_Options.first(`subnet/${id("bbbb", 2)}`)?._uuid);
  await removeSubnet(ovn, id("bbbb", 2));
  assert.equal(switchPort(id("cccc"))?.dhcpv6_options, ovn.owned.DHCP_Options.first(`subnet/${id("bbbb", 1)}`)?._uuid);
  await sweepAll();
});

test("security groups of a port come and go; without port security it is in none that drops", async () => {
  await ensureNetwork(ovn, network());
  const [one, two] = [id("1111", 1), id("1111", 2)];
  const name = (group: string) => `pg_${group.replaceAll("-", "_")}`;
  await settles(() => ensurePort(ovn, port({ securityGroupIds: [one, two] })));
  assert.deepEqual([groupPorts(name(one)), groupPorts(name(two))], [[id("cccc")], [id("cccc")]]);
  await settles(() => ensurePort(ovn, port({ securityGroupIds: [two] })));
  assert.deepEqual(
    [groupPorts(name(one)), groupPorts(name(two)), groupPorts("andromede_pg_drop")],
    [[], [id("cccc")], [id("cccc")]],
  );
  await settles(() => ensurePort(ovn, port({ portSecurityEnabled: false })));
  assert.deepEqual([groupPorts(name(one)), groupPorts(name(two)), groupPorts("andromede_pg_drop")], [[], [], []]);
  assert.deepEqual(switchPort(id("cccc"))?.port_security, []);
  assert.deepEqual(switchPort(id("cccc"))?.addresses, ["fa:16:3e:00:00:01 10.0.0.10", "unknown"]);

  const group = {
    id: one,
    name: "rules",
    stateful: true,
    rules: [rule(), rule({ id: id("dddd", 2), portRangeMin: 80, portRangeMax: 443 })],
  };
  await settles(() => ensureSecurityGroup(ovn, group));
  const matches = () =>
    (ovn.named.Port_Group.first(name(one))?.acls ?? [])
      .map((uuid) => ovn.client.table("ACL").get(uuid)?.match ?? "?")
      .toSorted();
  assert.equal(matches().length, 2);
  await settles(() =>
    ensureSecurityGroup(ovn, { ...group, rules: [rule({ id: id("dddd", 2), portRangeMin: 80, portRangeMax: 80 })] }),
  );
  assert.deepEqual(matches(), [`outport == @${name(one)} && ip4 && tcp && tcp.dst == 80`]);
  assert.equal(
    [...ovn.client.table("ACL").rows.values()].filter((acl) => acl.match.includes(name(one))).length,
    1,
    "the ACL of the removed rule is gone",
  );
  await sweepAll();
});

test("a router's gateway moves, is taken and given; nothing of the old one stays", async () => {
  await ensureNetwork(ovn, network({ id: OUTSIDE, physical: { network: "external", vlan: null } }));
  await settles(() => ensureRouter(ovn, router({ gateway })));
  const lrp = () => ovn.named.Logical_Router_Port.first(`lrp-${gateway.portId}`);
  assert.equal(lrp()?.gateway_chassis.length, 2);
  await settles(() => ensureRouter(ovn, router({ gateway: { ...gateway, chassis: ["host2"], enableSnat: false } })));
  assert.equal(lrp()?.gateway_chassis.length, 1);
  assert.equal(ovn.client.table("NAT").rows.size, 0);
  const moved = { ...gateway, portId: id("9999", 2), addresses: [{ ipAddress: "192.0.2.11", prefixLength: 24 }] };
  await settles(() => ensureRouter(ovn, router({ gateway: moved })));
  assert.equal(lrp(), undefined);
  assert.equal(switchPort(gateway.portId), undefined);
  assert.equal([...ovn.client.table("NAT").rows.values()][0]?.external_ip, "192.0.2.11");
  await settles(() => ensureRouter(ovn, router()));
  const sizes = tableSizes();
  assert.deepEqual(
    [sizes["Logical_Router_Port"], sizes["NAT"], sizes["Logical_Router_Static_Route"], sizes["Gateway_Chassis"]],
    [0, 0, 0, 0],
  );
  await sweepAll();
});

test("a floating IP moves to another router in one step", async () => {
  await ensureRouter(ovn, router());
  await ensureRouter(ovn, router({ id: id("ffff", 2) }));
  await settles(() => ensureFloatingIp(ovn, floating));
  await settles(() => ensureFloatingIp(ovn, { ...floating, routerId: id("ffff", 2), fixedIpAddress: "10.0.0.11" }));
  const nat = (number: number) => ovn.named.Logical_Router.first(`andromede-${id("ffff", number)}`)?.nat.length;
  assert.deepEqual([nat(1), nat(2), ovn.client.table("NAT").rows.size], [0, 1, 1]);
  await sweepAll();
});

test("what depends on something that is not there yet says so, and writes nothing", async () => {
  const before = tableSizes();
  await assert.rejects(ensurePort(ovn, port()), { kind: "unavailable" });
  await assert.rejects(ensureRouterInterface(ovn, leg()), { kind: "unavailable" });
  await assert.rejects(ensureFloatingIp(ovn, floating), { kind: "unavailable" });
  await assert.rejects(ensureRouter(ovn, router({ gateway })), { kind: "unavailable" });
  assert.deepEqual(tableSizes(), before);
});

test("two writers of the same thing at once make it once", async () => {
  const other = await connectNorthbound({ address: server.address, log: silentLogger, readyTimeoutMs: 5_000 });
  try {
    await Promise.all([ensureNetwork(ovn, network()), ensureNetwork(other, network()), ensureNetwork(ovn, network())]);
    await Promise.all([
      ensurePort(ovn, port({ securityGroupIds: [id("1111")] })),
      ensurePort(other, port({ securityGroupIds: [id("1111")] })),
    ]);
    assert.equal(ovn.owned.Logical_Switch.all(`network/${NET}`).length, 1);
    assert.equal(ovn.owned.Logical_Switch_Port.all(`port/${id("cccc")}`).length, 1);
    assert.deepEqual(groupPorts("andromede_pg_drop"), [id("cccc")]);
  } finally {
    await other.close();
  }
  await sweepAll();
});

test("a thousand ports, all at once, are all there and settled", async () => {
  await ensureBase(ovn);
  await ensureNetwork(ovn, network());
  await ensureSubnet(ovn, subnet({ cidr: "10.0.0.0/16" }));
  const ports = Array.from({ length: 1_000 }, (_, at) =>
    port({
      id: id("cccc", at + 1),
      macAddress: `fa:16:3e:01:${(at >> 8).toString(16).padStart(2, "0")}:${(at & 255).toString(16).padStart(2, "0")}`,
      fixedIps: [{ subnetId: id("bbbb"), ipAddress: `10.0.${1 + (at >> 8)}.${at & 255}` }],
      securityGroupIds: [id("1111")],
    }),
  );
  await Promise.all(ports.map((each) => ensurePort(ovn, each)));
  assert.equal(groupPorts("andromede_pg_drop").length, 1_000);
  assert.equal(ovn.named.Logical_Switch.first(`andromede-${NET}`)?.ports.length, 1_000);
  const again = await Promise.all(ports.map((each) => ensurePort(ovn, each)));
  assert.ok(again.every((changed) => !changed));
  await sweepAll();
  assert.equal(ovn.client.table("Logical_Switch_Port").rows.size, 0);
});
