/** Each of Neutron's ways for a guest to get an IPv6 address, seen from the guest: advertisements and DHCPv6 of real OVN. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { silentLogger } from "@andromede/base/log";
import { waitUntil } from "@andromede/base/waiting";
import { ensureNetwork } from "@andromede/control-plane/ovn/networks/network.ovn";
import { type OvnNorthbound, connectNorthbound } from "@andromede/control-plane/ovn/ovn/northbound";
import { type OvnPort, ensurePort } from "@andromede/control-plane/ovn/ports/port.ovn";
import { ensureRouterInterface } from "@andromede/control-plane/ovn/routers/router-port.ovn";
import { ensureRouter } from "@andromede/control-plane/ovn/routers/router.ovn";
import type { OvnSecurityGroupRule } from "@andromede/control-plane/ovn/security-groups/security-group-acls.ovn";
import { ensureBase, ensureSecurityGroup } from "@andromede/control-plane/ovn/security-groups/security-group.ovn";
import { type OvnSubnet, ensureSubnet } from "@andromede/control-plane/ovn/subnets/subnet.ovn";

import { CHASSIS, type Guest, type OvnLab, eventually, startOvnLab } from "./support/lab.ts";

const MTU = 1442;
const GROUP = "11110000-0000-4000-8000-000000000001";
const RESOLVER = "fd00::53";
let lab: OvnLab;
let ovn: OvnNorthbound;

before(async () => {
  lab = await startOvnLab();
  ovn = await connectNorthbound({ address: lab.northbound, log: silentLogger, readyTimeoutMs: 5_000 });
  await ensureBase(ovn);
  const rule: OvnSecurityGroupRule = {
    id: "dddd0000-0000-4000-8000-000000000001",
    direction: "egress",
    ethertype: "IPv6",
    protocol: null,
    portRangeMin: null,
    portRangeMax: null,
    remoteIpPrefix: null,
    remoteGroupId: null,
  };
  await ensureSecurityGroup(ovn, { id: GROUP, name: "out", stateful: true, rules: [rule] });
});
after(async () => {
  await ovn?.close();
  await lab?.stop();
});

type Mode = NonNullable<OvnSubnet["ipv6AddressMode"]>;
const uuid = (kind: string, n: number): string => `${kind}0000-0000-4000-8000-00000000000${n}`;
const macOf = (n: number): string => `fa:16:3e:06:00:0${n}`;

/** Network number `n`, fd00:n::/64 in this mode, with a router that advertises it, and a guest at `address`. */
async function place(n: number, mode: Mode, address: string): Promise<Guest> {
  const network = uuid("aaaa", n);
  await ensureNetwork(ovn, { id: network, name: mode, physical: null, vlanTransparent: false });
  await ensureSubnet(ovn, {
    id: uuid("bbbb", n),
    ipVersion: 6,
    cidr: `fd00:${n}::/64`,
    gatewayIp: `fd00:${n}::1`,
    enableDhcp: true,
    dnsServers: [RESOLVER],
    hostRoutes: [],
    ipv6AddressMode: mode,
    networkMtu: MTU,
    metadataAddress: null,
    dnsDomain: null,
  });
  await ensureRouter(ovn, { id: uuid("ffff", n), name: mode, adminStateUp: true, routes: [], gateway: null });
  await ensureRouterInterface(ovn, {
    routerId: uuid("ffff", n),
    portId: uuid("7777", n),
    networkId: network,
    macAddress: `fa:16:3e:77:00:0${n}`,
    addresses: [{ ipAddress: `fd00:${n}::1`, prefixLength: 64 }],
    adminStateUp: true,
    ipv6: { addressMode: mode, dnsServer: RESOLVER, mtu: MTU },
    physical: false,
  });
  const port: OvnPort = {
    id: uuid("cccc", n),
    networkId: network,
    name: "",
    kind: "guest",
    macAddress: macOf(n),
    fixedIps: [{ subnetId: uuid("bbbb", n), ipAddress: address }],
    adminStateUp: true,
    portSecurityEnabled: true,
    allowedAddressPairs: [],
    securityGroupIds: [GROUP],
    host: CHASSIS,
    extraDhcpOptions: [],
    dns: null,
    qos: [],
  };
  await ensurePort(ovn, port);
  const guest = await lab.guest(`six${n}`, port);
  await lab.synced();
  // a link that comes up solicits routers
  await guest.ip("link", "set", "eth0", "down");
  await guest.ip("link", "set", "eth0", "up");
  await eventuallyShown(guest, "route", "default via fe80::");
  return guest;
}

/** Waits until `ip -6 <object> show` says so: what a router advertised has arrived. */
const eventuallyShown = (guest: Guest, object: "address" | "route", text: string): Promise<unknown> =>
  waitUntil(`${text} in ${object}`, async () => (await guest.ip("-6", object, "show", "dev", "eth0")).includes(text), {
    timeoutMs: 30_000,
    everyMs: 100,
  });

/** How the kernel took the prefix: made an address of its own, or not. */
const addresses = (guest: Guest): Promise<string> =>
  guest.ip("-6", "address", "show", "dev", "eth0", "scope", "global");

test("slaac: the guest makes its address itself, and no DHCP server answers", async () => {
  const guest = await place(1, "slaac", "fd00:1::f816:3eff:fe06:1");
  await eventuallyShown(guest, "address", "fd00:1::f816:3eff:fe06:1/64");
  await assert.rejects(guest.call("dhcp6", { mac: macOf(1), stateful: true }), /no DHCPv6 answer/);
  await eventually("the router", "ECONNREFUSED", async () => refusal(await guest.ask("fd00:1::1", 7)));
});

test("dhcpv6-stateful: the address is the port's, by DHCP and in no other way", async () => {
  const guest = await place(2, "dhcpv6-stateful", "fd00:2::abcd");
  const lease = await guest.call("dhcp6", { mac: macOf(2), stateful: true });
  assert.equal(lease.address, "fd00:0002:0000:0000:0000:0000:0000:abcd");
  assert.equal(lease.options[23], "fd000000000000000000000000000053");
  assert.equal(await addresses(guest), "", "advertised for DHCP, not for making up addresses");
  await guest.ip("address", "add", `${lease.address}/64`, "dev", "eth0", "nodad");
  await eventually("the router", "ECONNREFUSED", async () => refusal(await guest.ask("fd00:2::1", 7)));
});

test("dhcpv6-stateless: the guest makes its address itself, and DHCP tells the rest", async () => {
  const guest = await place(3, "dhcpv6-stateless", "fd00:3::f816:3eff:fe06:3");
  await eventuallyShown(guest, "address", "fd00:3::f816:3eff:fe06:3/64");
  const told = await guest.call("dhcp6", { mac: macOf(3), stateful: false });
  assert.equal(told.options[23], "fd000000000000000000000000000053");
  assert.equal(told.options[3], undefined, "no address is given");
  await eventually("the router", "ECONNREFUSED", async () => refusal(await guest.ask("fd00:3::1", 7)));
});

/** The router has nothing to connect to, and says so: that is reached. */
const refusal = (answer: string): string => (/ECONNREFUSED|ECONNRESET/.test(answer) ? "ECONNREFUSED" : answer);
