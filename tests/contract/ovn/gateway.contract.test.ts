/** What a router's gateway does beyond translating: ports of a floating IP lead inside, and traffic is shaped there. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { silentLogger } from "@andromede/base/log";
import {
  ensureFloatingIp,
  ensureForwardings,
  removeFloatingIp,
} from "@andromede/control-plane/ovn/floating-ips/floating-ip.ovn";
import { ensureNetwork } from "@andromede/control-plane/ovn/networks/network.ovn";
import { type OvnNorthbound, connectNorthbound } from "@andromede/control-plane/ovn/ovn/northbound";
import { type OvnPort, ensurePort } from "@andromede/control-plane/ovn/ports/port.ovn";
import { ensureRouterInterface } from "@andromede/control-plane/ovn/routers/router-port.ovn";
import { type OvnRouter, ensureRouter, removeRouter } from "@andromede/control-plane/ovn/routers/router.ovn";
import { ensureBase } from "@andromede/control-plane/ovn/security-groups/security-group.ovn";

import { CHASSIS, type Guest, type OvnLab, PHYSICAL_NETWORK, eventually, startOvnLab } from "./support/lab.ts";

const [OUTSIDE, NETWORK, ROUTER, GATEWAY, LEG, FLOATING] = [1, 2, 3, 4, 5, 6].map(
  (number) => `aaaa0000-0000-4000-8000-00000000000${number}`,
) as [string, string, string, string, string, string];
const MTU = 1442;
let lab: OvnLab;
let ovn: OvnNorthbound;
let one: Guest;
let two: Guest;

const port = (host: number): OvnPort => ({
  id: `cccc0000-0000-4000-8000-0000000000${host}`,
  networkId: NETWORK,
  name: "",
  kind: "guest",
  macAddress: `fa:16:3e:01:00:${host}`,
  fixedIps: [{ subnetId: "bbbb0000-0000-4000-8000-000000000001", ipAddress: `10.0.0.${host}` }],
  adminStateUp: true,
  portSecurityEnabled: false,
  allowedAddressPairs: [],
  securityGroupIds: [],
  host: CHASSIS,
  extraDhcpOptions: [],
  dns: null,
  qos: [],
});

type Gateway = NonNullable<OvnRouter["gateway"]>;
const router = (over: Partial<Gateway> = {}): OvnRouter => ({
  id: ROUTER,
  name: "router",
  adminStateUp: true,
  routes: [],
  gateway: {
    portId: GATEWAY,
    networkId: OUTSIDE,
    macAddress: "fa:16:3e:99:00:01",
    addresses: [{ ipAddress: "192.0.2.11", prefixLength: 24 }],
    mtu: MTU,
    chassis: [CHASSIS],
    gatewayIps: ["192.0.2.1"],
    enableSnat: true,
    internalCidrs: ["10.0.0.0/24"],
    ...over,
  },
});

async function boot(name: string, host: number): Promise<Guest> {
  await ensurePort(ovn, port(host));
  const guest = await lab.guest(name, port(host));
  await guest.ip("address", "add", `10.0.0.${host}/24`, "dev", "eth0");
  await guest.ip("link", "set", "eth0", "mtu", String(MTU));
  await guest.ip("route", "add", "default", "via", "10.0.0.1");
  await guest.call("serve", { port: 22, text: name });
  await guest.call("sink", { port: 5001 });
  return guest;
}

before(async () => {
  lab = await startOvnLab();
  ovn = await connectNorthbound({ address: lab.northbound, log: silentLogger, readyTimeoutMs: 5_000 });
  await ensureBase(ovn);
  const physical = { network: PHYSICAL_NETWORK, vlan: null };
  await ensureNetwork(ovn, { id: OUTSIDE, name: "outside", physical, vlanTransparent: false });
  await ensureNetwork(ovn, { id: NETWORK, name: "net", physical: null, vlanTransparent: false });
  await ensureRouter(ovn, router());
  await ensureRouterInterface(ovn, {
    routerId: ROUTER,
    portId: LEG,
    networkId: NETWORK,
    macAddress: "fa:16:3e:77:00:01",
    addresses: [{ ipAddress: "10.0.0.1", prefixLength: 24 }],
    adminStateUp: true,
    ipv6: null,
    physical: false,
  });
  await lab.outside.call("serve", { port: 7000, text: "outside" });
  await lab.outside.call("sink", { port: 5001 });
  one = await boot("one", 10);
  two = await boot("two", 11);
  await lab.synced();
});
after(async () => {
  await ovn?.close();
  await lab?.stop();
});

const floating = { id: FLOATING, routerId: ROUTER, floatingIpAddress: "192.0.2.100" };
const to = (host: number, outside: number, inside = 22) => ({
  protocol: "tcp" as const,
  externalPort: { first: outside, last: outside },
  internalPort: { first: inside, last: inside },
  internalIpAddress: `10.0.0.${host}`,
});

test("ports of one floating IP lead to different guests, as long as they are forwarded", async () => {
  const both = { ...floating, forwardings: [to(10, 2210), to(11, 2211)] };
  await ensureForwardings(ovn, both);
  await eventually("the first port", "one 192.0.2.1", () => lab.outside.ask("192.0.2.100", 2210));
  await eventually("the second port", "two 192.0.2.1", () => lab.outside.ask("192.0.2.100", 2211));
  assert.notEqual((await lab.outside.ask("192.0.2.100", 22)).slice(0, 3), "one");
  // what goes out by itself still wears the router's address
  assert.equal(await one.ask("192.0.2.1", 7000), "outside 192.0.2.11");

  const range = {
    ...to(11, 3000, 21),
    externalPort: { first: 3000, last: 3001 },
    internalPort: { first: 21, last: 22 },
  };
  await ensureForwardings(ovn, { ...floating, forwardings: [to(10, 2210), range] });
  await eventually("the port of a range", "two 192.0.2.1", () => lab.outside.ask("192.0.2.100", 3001));
  assert.notEqual((await lab.outside.ask("192.0.2.100", 2211)).slice(0, 3), "two");

  await removeFloatingIp(ovn, FLOATING);
  await lab.synced();
  assert.notEqual((await lab.outside.ask("192.0.2.100", 2210)).slice(0, 3), "one");
  assert.equal(ovn.client.table("Load_Balancer").rows.size, 0);
});

const limits = (["egress", "ingress"] as const).map(
  (direction) => ({ type: "bandwidth_limit", direction, maxKbps: 20_000, maxBurstKbps: 0 }) as const,
);
const out = (): Promise<number> => one.call("pump", { address: "192.0.2.1", port: 5001, ms: 5_000 });
const near = (measured: number, what: string): void =>
  assert.ok(Math.abs(measured - 20) <= 2, `${what}: ${measured.toFixed(2)} Mbit/s`);

test("a gateway's policy shapes what goes through it", async () => {
  const free = await out();
  assert.ok(free > 40, `unshaped: ${free} Mbit/s`);
  await ensureRouter(ovn, router({ qos: limits }));
  await lab.synced();
  near(await out(), "through the gateway");
  await ensureRouter(ovn, router());
  await lab.synced();
  const again = await out();
  assert.ok(again > 40, `unshaped again: ${again} Mbit/s`);
});

test("a floating IP's policy shapes its own traffic, both ways, and nobody else's", async () => {
  const target = { portId: port(10).id, fixedIpAddress: "10.0.0.10", distributedMac: null };
  const shaping = { networkId: OUTSIDE, gatewayPortId: GATEWAY, rules: limits };
  await ensureFloatingIp(ovn, { ...floating, ...target, shaping });
  await eventually("the floating IP", "one 192.0.2.1", () => lab.outside.ask("192.0.2.100", 22));
  await lab.synced();
  near(await out(), "out by the floating IP");
  near(await lab.outside.call("pump", { address: "192.0.2.100", port: 5001, ms: 5_000 }), "in by the floating IP");
  const other = await two.call("pump", { address: "192.0.2.1", port: 5001, ms: 3_000 });
  assert.ok(other > 40, `the other guest is not shaped: ${other} Mbit/s`);
  await removeFloatingIp(ovn, FLOATING);
  assert.equal(ovn.client.table("QoS").rows.size, 0);
});

test("a router that goes leaves no rule behind", async () => {
  await ensureRouter(ovn, router({ qos: limits }));
  assert.equal(ovn.client.table("QoS").rows.size, 2);
  await removeRouter(ovn, ROUTER);
  assert.equal(ovn.client.table("QoS").rows.size, 0);
});
