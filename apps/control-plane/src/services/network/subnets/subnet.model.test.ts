import assert from "node:assert/strict";
import { test } from "node:test";

import {
  checkGatewayOutsidePools,
  checkIpv6Modes,
  checkOverlap,
  defaultPools,
  knownCidr,
  readGateway,
  readNameservers,
  readPools,
  readRoutes,
  readSubnetCidr,
} from "./subnet.model.ts";

test("gateway and pools by default", () => {
  const cases: [string, string, { start: string; end: string }[]][] = [
    ["10.0.0.0/24", "10.0.0.1", [{ start: "10.0.0.2", end: "10.0.0.254" }]],
    ["10.0.0.0/30", "10.0.0.1", [{ start: "10.0.0.2", end: "10.0.0.2" }]],
    ["2001:db8::/64", "2001:db8::1", [{ start: "2001:db8::2", end: "2001:db8::ffff:ffff:ffff:ffff" }]],
  ];
  for (const [cidr, gateway, pools] of cases) {
    assert.equal(readGateway(undefined, knownCidr(cidr)), gateway);
    assert.deepEqual(defaultPools(knownCidr(cidr), gateway), pools);
  }
});

test("a gateway in the middle divides the pool; none leaves it whole", () => {
  assert.deepEqual(defaultPools(knownCidr("10.0.0.0/29"), "10.0.0.4"), [
    { start: "10.0.0.1", end: "10.0.0.3" },
    { start: "10.0.0.5", end: "10.0.0.6" },
  ]);
  assert.deepEqual(defaultPools(knownCidr("10.0.0.0/29"), null), [{ start: "10.0.0.1", end: "10.0.0.6" }]);
});

test("CIDRs that cannot be subnets", () => {
  for (const text of [
    "10.0.0.1/24",
    "10.0.0.0",
    "nonsense/8",
    "224.0.0.0/8",
    "127.0.0.0/8",
    "0.0.0.0/0",
    "ff02::/16",
  ]) {
    assert.throws(() => readSubnetCidr(text, text.includes(":") ? 6 : 4), { kind: "invalid" }, text);
  }
  assert.throws(() => readSubnetCidr("10.0.0.0/24", 6), /does not match the ip_version/);
});

test("pools as given", () => {
  const cidr = knownCidr("10.0.0.0/24");
  const read =
    (...pools: [string, string][]) =>
    () =>
      readPools(
        pools.map(([start, end]) => ({ start, end })),
        cidr,
      );
  assert.deepEqual(read(["10.0.0.100", "10.0.0.110"], ["10.0.0.10", "10.0.0.20"])(), [
    { start: "10.0.0.10", end: "10.0.0.20" },
    { start: "10.0.0.100", end: "10.0.0.110" },
  ]);
  assert.throws(read(["10.0.0.20", "10.0.0.10"]), { type: "InvalidAllocationPool" });
  assert.throws(read(["10.0.0.20", "fd00::1"]), { type: "InvalidAllocationPool" });
  assert.throws(read(["10.0.0.20", "10.0.1.10"]), { type: "OutOfBoundsAllocationPool" });
  assert.throws(read(["10.0.0.1", "10.0.0.20"], ["10.0.0.20", "10.0.0.30"]), {
    type: "OverlappingAllocationPools",
    kind: "conflict",
  });
  assert.throws(() => checkGatewayOutsidePools("10.0.0.5", [{ start: "10.0.0.1", end: "10.0.0.9" }]), {
    type: "GatewayConflictWithAllocationPools",
  });
});

test("IPv6 modes", () => {
  const check =
    (subnet: Partial<Parameters<typeof checkIpv6Modes>[0]>, cidr = "fd00::/64") =>
    () =>
      checkIpv6Modes(
        { ipVersion: 6, enableDhcp: true, ipv6RaMode: null, ipv6AddressMode: null, ...subnet },
        knownCidr(cidr),
      );
  assert.doesNotThrow(check({ ipv6RaMode: "slaac", ipv6AddressMode: "slaac" }));
  assert.doesNotThrow(check({ ipv6AddressMode: "dhcpv6-stateful" }, "fd00::/96"));
  assert.throws(check({ ipv6RaMode: "slaac", ipv6AddressMode: "dhcpv6-stateful" }), /must be the same value/);
  assert.throws(check({ ipv6RaMode: "slaac" }, "fd00::/80"), /requires the prefix to be \/64/);
  assert.throws(check({ ipv6RaMode: "slaac", enableDhcp: false }), /enable_dhcp is set to False/);
  assert.throws(check({ ipVersion: 4, ipv6AddressMode: "slaac" }, "10.0.0.0/24"), /not valid when ip_version is 4/);
});

test("the words tempest waits for when subnets overlap", () => {
  assert.throws(() => checkOverlap(knownCidr("10.0.0.0/25"), "n", [{ cidr: "10.0.0.0/24" }]), {
    kind: "invalid",
    message: /overlaps with another subnet/,
  });
  assert.doesNotThrow(() => checkOverlap(knownCidr("10.0.1.0/24"), "n", [{ cidr: "10.0.0.0/24" }]));
});

test("name servers and routes", () => {
  assert.deepEqual(readNameservers(["8.8.8.8", "2001:0db8::1"]), ["8.8.8.8", "2001:db8::1"]);
  for (const wrong of [
    ["x"],
    ["8.8.8.8", "8.8.8.8"],
    ["1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4", "1.1.1.5", "1.1.1.6"],
  ]) {
    assert.throws(() => readNameservers(wrong), { kind: "invalid" });
  }
  assert.deepEqual(readRoutes([{ destination: "10.9.0.0/16", nexthop: "10.0.0.9" }], "routes"), [
    { destination: "10.9.0.0/16", nexthop: "10.0.0.9" },
  ]);
  for (const [destination, nexthop] of [
    ["10.9.0.1/16", "10.0.0.9"],
    ["10.9.0.0/16", "fd00::1"],
    ["10.9.0.0", "10.0.0.9"],
    ["10.9.0.0/16", "x"],
  ] as const) {
    assert.throws(() => readRoutes([{ destination, nexthop }], "routes"), { kind: "invalid" });
  }
});
