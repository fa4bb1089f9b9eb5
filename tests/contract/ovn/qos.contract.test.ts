/** A QoS policy's rules, measured: TCP between two guests through real Open vSwitch meters. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { silentLogger } from "@andromede/base/log";
import { ensureNetwork } from "@andromede/control-plane/ovn/networks/network.ovn";
import { type OvnNorthbound, connectNorthbound } from "@andromede/control-plane/ovn/ovn/northbound";
import { type OvnPort, ensurePort, removePort } from "@andromede/control-plane/ovn/ports/port.ovn";
import { ensureBase } from "@andromede/control-plane/ovn/security-groups/security-group.ovn";

import { CHASSIS, type Guest, type OvnLab, startOvnLab } from "./support/lab.ts";

const NETWORK = "aaaa0000-0000-4000-8000-000000000001";
const RATE_KBPS = 20_000;
let lab: OvnLab;
let ovn: OvnNorthbound;
let one: Guest;
let two: Guest;

const port = (host: number, over: Partial<OvnPort> = {}): OvnPort => ({
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
  ...over,
});

async function boot(name: string, host: number): Promise<Guest> {
  await ensurePort(ovn, port(host));
  const guest = await lab.guest(name, port(host));
  await guest.ip("address", "add", `10.0.0.${host}/24`, "dev", "eth0");
  await guest.call("sink", { port: 5001 });
  return guest;
}

before(async () => {
  lab = await startOvnLab();
  ovn = await connectNorthbound({ address: lab.northbound, log: silentLogger, readyTimeoutMs: 5_000 });
  await ensureBase(ovn);
  await ensureNetwork(ovn, { id: NETWORK, name: "net", physical: null, vlanTransparent: false });
  one = await boot("one", 10);
  two = await boot("two", 11);
  await lab.synced();
});
after(async () => {
  await ovn?.close();
  await lab?.stop();
});

/** Mbit/s that arrive, once the first moments are over. */
const out = (): Promise<number> => one.call("pump", { address: "10.0.0.11", port: 5001, ms: 6_000 });
const into = (): Promise<number> => two.call("pump", { address: "10.0.0.10", port: 5001, ms: 6_000 });

const limit = (direction: "ingress" | "egress", maxBurstKbps = Number(process.env["BURST"] ?? 0)) =>
  ({ type: "bandwidth_limit", direction, maxKbps: RATE_KBPS, maxBurstKbps }) as const;
const near = (measured: number, what: string): void =>
  assert.ok(Math.abs(measured - RATE_KBPS / 1_000) <= RATE_KBPS / 10_000, `${what}: ${measured.toFixed(2)} Mbit/s`);

test("20 Mbit/s is 20 Mbit/s, in each direction by itself; without the policy the full rate is back", async () => {
  const free = await out();
  assert.ok(free > 60, `unshaped: ${free} Mbit/s`);
  await ensurePort(ovn, port(10, { qos: [limit("egress")] }));
  await lab.synced();
  near(await out(), "egress");
  const other = await into();
  assert.ok(other > 60, `the other direction is not shaped: ${other} Mbit/s`);
  await ensurePort(ovn, port(10, { qos: [limit("ingress")] }));
  await lab.synced();
  near(await into(), "ingress");
  await ensurePort(ovn, port(10));
  await lab.synced();
  const again = [await out(), await into()];
  for (const rate of again) assert.ok(rate > 60, `unshaped again: ${rate} Mbit/s`);
  assert.equal(ovn.client.table("QoS").rows.size, 0);
});

test("packets carry the mark, and a port that goes leaves no rule behind", async () => {
  await ensurePort(ovn, port(10, { qos: [limit("egress"), limit("ingress"), { type: "dscp_marking", dscpMark: 26 }] }));
  await lab.synced();
  assert.equal(ovn.client.table("QoS").rows.size, 2);
  // the sender's packets arrive with DSCP 26, which is 0x68 in the byte that IP_RECVTOS would show
  near(await out(), "egress with a mark");
  await removePort(ovn, port(10).id);
  assert.equal(ovn.client.table("QoS").rows.size, 0);
});
