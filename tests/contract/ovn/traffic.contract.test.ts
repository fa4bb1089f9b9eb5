/** What our rows make OVN do, seen from guests: real databases, northd, Open vSwitch and packets. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { silentLogger } from "@andromede/base/log";
import { waitUntil } from "@andromede/base/waiting";
import { ensureFloatingIp, removeFloatingIp } from "@andromede/control-plane/ovn/floating-ips/floating-ip.ovn";
import { ensureNetwork } from "@andromede/control-plane/ovn/networks/network.ovn";
import { type OvnNorthbound, connectNorthbound } from "@andromede/control-plane/ovn/ovn/northbound";
import { OWNED_CLASSES, listOwned, removeOwned } from "@andromede/control-plane/ovn/ovn/owned.ovn";
import { type OvnPort, ensurePort } from "@andromede/control-plane/ovn/ports/port.ovn";
import { type OvnRouterInterface, ensureRouterInterface } from "@andromede/control-plane/ovn/routers/router-port.ovn";
import { ensureRouter } from "@andromede/control-plane/ovn/routers/router.ovn";
import type { OvnSecurityGroupRule } from "@andromede/control-plane/ovn/security-groups/security-group-acls.ovn";
import { ensureBase, ensureSecurityGroup } from "@andromede/control-plane/ovn/security-groups/security-group.ovn";
import { ensureSubnet } from "@andromede/control-plane/ovn/subnets/subnet.ovn";

import { CHASSIS, type Guest, type OvnLab, PHYSICAL_NETWORK, eventually, startOvnLab } from "./support/lab.ts";
import type { Lease } from "./support/probe.ts";

const MTU = 1442;
let lab: OvnLab;
let ovn: OvnNorthbound;
/** Two guests of project 1, and what the first was told by DHCP. */
let one: Guest;
let two: Guest;
let lease: Lease;
const told: [string, boolean | undefined][] = [];

before(async () => {
  lab = await startOvnLab();
  ovn = await connectNorthbound({ address: lab.northbound, log: silentLogger, readyTimeoutMs: 5_000 });
  await ensureBase(ovn);
  await ensureNetwork(ovn, {
    id: OUTSIDE,
    name: "outside",
    physical: { network: PHYSICAL_NETWORK, vlan: null },
    vlanTransparent: false,
  });
  await lab.outside.call("serve", { port: 7000, text: "outside" });
  ovn.onPortUp((portId, up) => told.push([portId, up]));
  await project(1);
  ({ guest: one, lease } = await boot("one", port(1, 10)));
  ({ guest: two } = await boot("two", port(1, 11)));
});
after(async () => {
  await ovn?.close();
  await lab?.stop();
});

const uuid = (kind: string, number: number): string => `${kind}0000-0000-4000-8000-${String(number).padStart(12, "0")}`;
const OUTSIDE = uuid("eeee", 1);

const rule = (number: number, over: Partial<OvnSecurityGroupRule>): OvnSecurityGroupRule => ({
  id: uuid("dddd", number),
  direction: "ingress",
  ethertype: "IPv4",
  protocol: null,
  portRangeMin: null,
  portRangeMax: null,
  remoteIpPrefix: null,
  remoteGroupId: null,
  ...over,
});

/** As Neutron's default group: everything out, in only from its own members. */
const defaultRules = (groupId: string): OvnSecurityGroupRule[] => [
  rule(1, { direction: "egress" }),
  rule(2, { direction: "egress", ethertype: "IPv6" }),
  rule(3, { remoteGroupId: groupId }),
  rule(4, { ethertype: "IPv6", remoteGroupId: groupId }),
];
const ssh = rule(10, { protocol: "tcp", portRangeMin: 22, portRangeMax: 22 });

/** A project's network number `n`, always 10.0.0.0/24: a switch, DHCP, a default group with SSH open, a router to the outside. */
async function project(n: number): Promise<{ network: string; subnet: string; group: string; router: string }> {
  const [network, subnet, group, router] = [uuid("aaaa", n), uuid("bbbb", n), uuid("1111", n), uuid("ffff", n)];
  await ensureNetwork(ovn, { id: network, name: `net${n}`, physical: null, vlanTransparent: false });
  await ensureSubnet(ovn, {
    id: subnet,
    ipVersion: 4,
    cidr: "10.0.0.0/24",
    gatewayIp: "10.0.0.1",
    enableDhcp: true,
    dnsServers: ["192.0.2.53"],
    hostRoutes: [],
    ipv6AddressMode: null,
    networkMtu: MTU,
    metadataAddress: "10.0.0.2",
    dnsDomain: "example.org",
  });
  await ensureSecurityGroup(ovn, { id: group, name: "default", stateful: true, rules: [...defaultRules(group), ssh] });
  await ensureRouter(ovn, {
    id: router,
    name: `router${n}`,
    adminStateUp: true,
    routes: [],
    gateway: {
      portId: uuid("9999", n),
      networkId: OUTSIDE,
      macAddress: `fa:16:3e:99:00:0${n}`,
      addresses: [{ ipAddress: `192.0.2.1${n}`, prefixLength: 24 }],
      mtu: MTU,
      chassis: [CHASSIS],
      gatewayIps: ["192.0.2.1"],
      enableSnat: true,
      internalCidrs: ["10.0.0.0/24"],
    },
  });
  await ensureRouterInterface(ovn, leg(n));
  return { network, subnet, group, router };
}

const leg = (n: number, over: Partial<OvnRouterInterface> = {}): OvnRouterInterface => ({
  routerId: uuid("ffff", n),
  portId: uuid("7777", n),
  networkId: uuid("aaaa", n),
  macAddress: `fa:16:3e:77:00:0${n}`,
  addresses: [{ ipAddress: "10.0.0.1", prefixLength: 24 }],
  adminStateUp: true,
  ipv6: null,
  physical: false,
  ...over,
});

/** Port number `host` (its last octet) of project number `n`. */
const port = (n: number, host: number, over: Partial<OvnPort> = {}): OvnPort => ({
  id: uuid("cccc", n * 1_000 + host),
  networkId: uuid("aaaa", n),
  name: "",
  kind: "guest",
  macAddress: `fa:16:3e:0${n}:00:${host.toString(16).padStart(2, "0")}`,
  fixedIps: [{ subnetId: uuid("bbbb", n), ipAddress: `10.0.0.${host}` }],
  adminStateUp: true,
  portSecurityEnabled: true,
  allowedAddressPairs: [],
  securityGroupIds: [uuid("1111", n)],
  host: CHASSIS,
  extraDhcpOptions: [],
  dns: { hostname: `guest${host}`, domain: "example.org" },
  qos: [],
  ...over,
});

async function boot(name: string, wanted: OvnPort): Promise<{ guest: Guest; lease: Lease }> {
  await ensurePort(ovn, wanted);
  const guest = await lab.guest(name, wanted);
  const lease = await guest.configure(wanted.macAddress);
  await guest.call("serve", { port: 22, text: name });
  return { guest, lease };
}

test("DHCP gives the port's address, the gateway, resolvers, MTU and the metadata route", () => {
  assert.equal(lease.address, "10.0.0.10");
  const { 1: mask, 3: router, 6: dns, 26: mtu, 51: seconds, 121: routes } = lease.options;
  assert.deepEqual([mask, router, dns, mtu, seconds], ["ffffff00", "0a000001", "c0000235", "05a2", "0000a8c0"]);
  assert.equal(routes, "20a9fea9fe0a000002000a000001");
});

test("a plugged port is told to be up", async () => {
  await waitUntil("the port to be up", () => ovn.portUp(port(1, 10).id) === true, { timeoutMs: 30_000 });
  assert.ok(told.some(([portId, up]) => portId === port(1, 10).id && up === true));
});

test("members of the group reach each other, and know each other by name", async () => {
  await eventually("one to two", "two 10.0.0.10", () => one.ask("10.0.0.11", 22));
  assert.deepEqual(await one.call("resolve", { server: "192.0.2.53", name: "guest11.example.org" }), ["10.0.0.11"]);
});

test("an address that is not the port's is of no use", async () => {
  await two.ip("address", "add", "10.0.0.99/24", "dev", "eth0");
  assert.equal(await two.ask("10.0.0.10", 22, "10.0.0.99"), "timeout");
  await ensurePort(
    ovn,
    port(1, 11, { allowedAddressPairs: [{ ipAddress: "10.0.0.99", macAddress: port(1, 11).macAddress }] }),
  );
  await eventually("the allowed pair", "one 10.0.0.99", () => two.ask("10.0.0.10", 22, "10.0.0.99"));
});

test("out through the router's address; in through a floating IP, to what a rule opens and no more", async () => {
  await eventually("one to the outside", "outside 192.0.2.11", () => one.ask("192.0.2.1", 7000));
  const floating = {
    id: uuid("6666", 1),
    routerId: uuid("ffff", 1),
    floatingIpAddress: "192.0.2.100",
    fixedIpAddress: "10.0.0.10",
    portId: port(1, 10).id,
    distributedMac: null,
  };
  await ensureFloatingIp(ovn, floating);
  await eventually("the floating IP", "one 192.0.2.1", () => lab.outside.ask("192.0.2.100", 22));
  await eventually("one to the outside, by its floating IP", "outside 192.0.2.100", () => one.ask("192.0.2.1", 7000));
  assert.equal(await two.ask("192.0.2.1", 7000), "outside 192.0.2.11");

  await one.call("serve", { port: 80, text: "web" });
  assert.equal(await lab.outside.ask("192.0.2.100", 80), "timeout");
  const web = rule(11, { protocol: "6", portRangeMin: 80, portRangeMax: 443, remoteIpPrefix: "192.0.2.77/24" });
  const defaultGroup = {
    id: uuid("1111", 1),
    name: "default",
    stateful: true,
    rules: [...defaultRules(uuid("1111", 1)), ssh],
  };
  await ensureSecurityGroup(ovn, { ...defaultGroup, rules: [...defaultGroup.rules, web] });
  await eventually("the opened port", "web 192.0.2.1", () => lab.outside.ask("192.0.2.100", 80));
  await ensureSecurityGroup(ovn, defaultGroup);
  await eventually("the closed port", "timeout", () => lab.outside.ask("192.0.2.100", 80));

  await removeFloatingIp(ovn, floating.id);
  await eventually("the floating IP that is gone", "outside 192.0.2.11", () => one.ask("192.0.2.1", 7000));
  assert.notEqual(await lab.outside.ask("192.0.2.100", 22), "one 192.0.2.1");
});

test("169.254.169.254 is the network's metadata port, which sees who asks", async () => {
  const metadata = port(1, 2, { kind: "metadata", securityGroupIds: [], dns: null });
  await ensurePort(ovn, metadata);
  const service = await lab.guest("meta", metadata);
  await service.ip("address", "add", "10.0.0.2/24", "dev", "eth0");
  await service.ip("address", "add", "169.254.169.254/32", "dev", "eth0");
  await service.call("serve", { port: 80, text: "metadata" });
  await eventually("metadata", "metadata 10.0.0.10", () => one.ask("169.254.169.254", 80));
});

test("a port without groups is closed, yet gets its address; without port security it is open", async () => {
  const lonely = port(1, 12, { securityGroupIds: [] });
  const { guest } = await boot("three", lonely);
  assert.equal(await one.ask("10.0.0.12", 22), "timeout");
  assert.equal(await guest.ask("10.0.0.10", 22), "timeout");
  await ensurePort(ovn, { ...lonely, portSecurityEnabled: false });
  await eventually("the open port", "three 10.0.0.10", () => one.ask("10.0.0.12", 22));
});

test("a port that is administratively down is cut off, and comes back", async () => {
  await ensurePort(ovn, port(1, 11, { adminStateUp: false }));
  await eventually("the port that is down", "timeout", () =>
    one.ask("10.0.0.11", 22).then((answer) => (answer.includes("EHOSTUNREACH") ? "timeout" : answer)),
  );
  await ensurePort(ovn, port(1, 11));
  await eventually("the port that is up again", "two 10.0.0.10", () => one.ask("10.0.0.11", 22));
});

test("another project with the same addresses sees its own guests and not these", async () => {
  await project(2);
  const { guest: other, lease: otherLease } = await boot("other", port(2, 10));
  assert.equal(otherLease.address, "10.0.0.10");
  await eventually("the other's way out", "outside 192.0.2.12", () => other.ask("192.0.2.1", 7000));
  assert.notEqual((await other.ask("10.0.0.11", 22)).slice(0, 3), "two");
  const { guest: twin } = await boot("twin", port(2, 11));
  await eventually("the other's own neighbour", "twin 10.0.0.10", () => other.ask("10.0.0.11", 22));
  assert.equal(await twin.ask("10.0.0.10", 22), "other 10.0.0.11");
  assert.equal(await one.ask("10.0.0.11", 22), "two 10.0.0.10");
});

test("IPv6: a guest makes its own address from the router's advertisement and reaches its neighbour", async () => {
  const [network, group] = [uuid("aaaa", 3), uuid("1111", 3)];
  await ensureNetwork(ovn, { id: network, name: "six", physical: null, vlanTransparent: false });
  await ensureSecurityGroup(ovn, {
    id: group,
    name: "default",
    stateful: true,
    rules: [...defaultRules(group), { ...ssh, ethertype: "IPv6" }],
  });
  await ensureRouter(ovn, { id: uuid("ffff", 3), name: "six", adminStateUp: true, routes: [], gateway: null });
  await ensureRouterInterface(
    ovn,
    leg(3, {
      addresses: [{ ipAddress: "fd00:3::1", prefixLength: 64 }],
      ipv6: { addressMode: "slaac", dnsServer: "fd00:3::53", mtu: MTU },
    }),
  );
  const six = async (name: string, host: number): Promise<Guest> => {
    // EUI-64 of fa:16:3e:03:00:xx
    const address = `fd00:3::f816:3eff:fe03:${host.toString(16)}`;
    const wanted = port(3, host, { fixedIps: [{ subnetId: uuid("bbbb", 3), ipAddress: address }], dns: null });
    await ensurePort(ovn, wanted);
    const guest = await lab.guest(name, wanted);
    await lab.synced();
    // A link that comes up solicits routers.
    await guest.ip("link", "set", "eth0", "down");
    await guest.ip("link", "set", "eth0", "up");
    await waitUntil(
      `${name}'s address`,
      async () => (await guest.ip("-6", "address", "show", "dev", "eth0")).includes(`${address}/64`),
      { timeoutMs: 30_000, everyMs: 100 },
    );
    await guest.call("serve", { port: 22, text: name });
    return guest;
  };
  const [left] = [await six("six-left", 0x10), await six("six-right", 0x11)];
  await eventually("left to right", "six-right fd00:3::f816:3eff:fe03:10", () =>
    left.ask("fd00:3::f816:3eff:fe03:11", 22),
  );
});

test("a trunk's guest is on another network by a VLAN of its link", async () => {
  const [network, group] = [uuid("aaaa", 7), uuid("1111", 7)];
  await ensureNetwork(ovn, { id: network, name: "carried", physical: null, vlanTransparent: false });
  await ensureSecurityGroup(ovn, { id: group, name: "default", stateful: true, rules: [...defaultRules(group), ssh] });
  const parent = port(1, 14);
  await ensurePort(ovn, parent);
  const carried = { networkId: network, securityGroupIds: [group] };
  const subport = port(7, 20, { ...carried, host: null, carriedBy: { portId: parent.id, tag: 107 } });
  await ensurePort(ovn, subport);
  const other = port(7, 21, carried);
  await ensurePort(ovn, other);
  const neighbour = await lab.guest("neighbour", other);
  await neighbour.ip("address", "add", "10.0.0.21/24", "dev", "eth0");
  await neighbour.call("serve", { port: 22, text: "neighbour" });
  const guest = await lab.carried("carried", parent, { macAddress: subport.macAddress, tag: 107 });
  await guest.ip("address", "add", "10.0.0.20/24", "dev", "eth0");
  await eventually("by the VLAN", "neighbour 10.0.0.20", () => guest.ask("10.0.0.21", 22));
  await ensurePort(ovn, { ...subport, carriedBy: null });
  await eventually("without the trunk", "timeout", () =>
    guest.ask("10.0.0.21", 22).then((answer) => (answer.includes("EHOSTUNREACH") ? "timeout" : answer)),
  );
});

test("rules of every kind are understood by OVN, and a sweep of everything leaves no row", async () => {
  const group = uuid("1111", 4);
  const rules = [
    ...defaultRules(uuid("1111", 5)),
    rule(20, { protocol: "icmp", portRangeMin: 8, portRangeMax: 0 }),
    rule(21, { protocol: "ipv6-icmp", ethertype: "IPv6", portRangeMin: 128 }),
    rule(22, { protocol: "icmpv6", ethertype: "IPv6", direction: "egress" }),
    rule(23, { protocol: "udp", portRangeMin: 53, portRangeMax: 53, remoteIpPrefix: "0.0.0.0/0" }),
    rule(24, { protocol: "sctp", portRangeMin: 1, portRangeMax: 65_535, ethertype: "IPv6", remoteIpPrefix: "::/0" }),
    rule(25, { protocol: "112" }),
    rule(26, { protocol: "ipip", direction: "egress", remoteIpPrefix: "10.1.2.3" }),
    rule(27, { protocol: "hopopt", ethertype: "IPv6", remoteIpPrefix: "2001:db8::1/33" }),
    rule(28, { protocol: "any", remoteIpPrefix: "10.1.2.3/9" }),
  ];
  await ensureSecurityGroup(ovn, { id: group, name: "all", stateful: true, rules });
  await ensureSecurityGroup(ovn, {
    id: uuid("1111", 6),
    name: "stateless",
    stateful: false,
    rules: rules.map((each) => ({ ...each, id: `${each.id}s` })),
  });
  await ensurePort(ovn, port(1, 13, { securityGroupIds: [group, uuid("1111", 6)] }));
  await lab.synced();
  assert.doesNotMatch(lab.said(), /error parsing|Syntax error|invalid match/i);

  for (const owner of OWNED_CLASSES) for (const id of (await listOwned(ovn))[owner]) await removeOwned(ovn, owner, id);
  for (const table of [
    "Logical_Switch",
    "Logical_Switch_Port",
    "DHCP_Options",
    "DNS",
    "Logical_Router",
    "Logical_Router_Port",
    "Logical_Router_Static_Route",
    "Gateway_Chassis",
    "NAT",
  ] as const) {
    assert.equal(ovn.client.table(table).rows.size, 0, table);
  }
  assert.deepEqual(
    [...ovn.client.table("Port_Group").rows.values()].map((row) => row.name),
    ["andromede_pg_drop"],
  );
});
