import assert from "node:assert/strict";
import { test } from "node:test";

import type { AddressSpace } from "../subnets/subnet.model.ts";
import { type FixedIpsRequest, planFixedIps } from "./fixed-ips.plan.ts";

const MAC = "fa:16:3e:00:00:01";
const space = (id: string, cidr: string, mode: AddressSpace["ipv6AddressMode"] = null): AddressSpace => ({
  id,
  networkId: "n",
  ipVersion: cidr.includes(":") ? 6 : 4,
  cidr,
  gatewayIp: null,
  allocationPools: [],
  ipv6AddressMode: mode,
  ipv6RaMode: null,
});
const four = space("four", "10.0.0.0/24");
const other = space("other", "10.0.1.0/24");
const stateful = space("stateful", "fd00:1::/64", "dhcpv6-stateful");
const slaac = space("slaac", "fd00:2::/64", "slaac");
const plan = (request: Partial<FixedIpsRequest>) =>
  planFixedIps({
    networkId: "n",
    subnets: [four, other, stateful, slaac],
    mac: MAC,
    isRouterPort: false,
    requested: undefined,
    ...request,
  });
const shown = (request: Partial<FixedIpsRequest>) =>
  plan(request).map((wish) =>
    wish.kind === "any"
      ? `any ${wish.subnets.map((subnet) => subnet.id).join("|")}`
      : wish.kind === "held"
        ? `held ${wish.ip.ip_address}`
        : `${wish.subnet.id} ${wish.address}`,
  );
const EUI = "slaac fd00:2::f816:3eff:fe00:1";

test("nothing asked for: one of each version, and the one made from the MAC address", () => {
  assert.deepEqual(shown({}), ["any four|other", "any stateful", EUI]);
  assert.deepEqual(shown({ subnets: [] }), []);
  assert.deepEqual(shown({ isRouterPort: true }), ["any four|other", "any stateful"]);
});

test("asked for by subnet, by address, by both", () => {
  assert.deepEqual(shown({ requested: [{ subnet_id: "other" }] }), ["any other", EUI]);
  assert.deepEqual(shown({ requested: [{ ip_address: "10.0.1.9" }] }), ["other 10.0.1.9", EUI]);
  assert.deepEqual(shown({ requested: [{ subnet_id: "stateful", ip_address: "fd00:1:0:0::5" }] }), [
    "stateful fd00:1::5",
    EUI,
  ]);
  assert.deepEqual(shown({ requested: [{ subnet_id: "slaac" }] }), [EUI]);
  assert.deepEqual(shown({ requested: [] }), [EUI]);
});

test("an address that the port has stays", () => {
  const held = [{ subnet_id: "four", ip_address: "10.0.0.7" }];
  assert.deepEqual(shown({ subnets: [four], requested: [{ subnet_id: "four" }], held }), ["held 10.0.0.7"]);
  assert.deepEqual(shown({ subnets: [four], requested: [{ ip_address: "10.0.0.7" }, { subnet_id: "four" }], held }), [
    "held 10.0.0.7",
    "any four",
  ]);
  assert.deepEqual(shown({ subnets: [four], requested: [{ ip_address: "10.0.0.8" }], held }), ["four 10.0.0.8"]);
});

test("refused", () => {
  const refused: [Partial<FixedIpsRequest>, RegExp][] = [
    [{ requested: [{ ip_address: "192.168.0.1" }] }, /not a valid IP for any of the subnets/],
    [{ requested: [{ subnet_id: "four", ip_address: "10.0.1.1" }] }, /not a valid IP for the specified subnet/],
    [{ requested: [{ subnet_id: "four", ip_address: "10.0.0.0" }] }, /not a valid IP/],
    [{ requested: [{ subnet_id: "four", ip_address: "10.0.0.255" }] }, /not a valid IP/],
    [{ requested: [{ subnet_id: "nowhere" }] }, /invalid subnet nowhere/],
    [{ requested: [{ ip_address: "ten" }] }, /not a valid IP address/],
    [{ requested: [{ subnet_id: "slaac", ip_address: "fd00:2::99" }] }, /configured for automatic addresses/],
    [{ requested: [{ ip_address: "10.0.0.5" }, { ip_address: "10.0.0.5" }] }, /Duplicate IP address/],
    [{ requested: Array.from({ length: 6 }, () => ({ subnet_id: "four" })) }, /maximum amount of fixed ips/],
  ];
  for (const [request, message] of refused)
    assert.throws(() => plan(request), { kind: "invalid", message }, String(message));
});
