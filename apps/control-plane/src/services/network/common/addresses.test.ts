import assert from "node:assert/strict";
import { test } from "node:test";

import {
  canonicalAddress,
  canonicalMac,
  contains,
  eui64Address,
  isHostAddress,
  overlaps,
  parseAddress,
  parseCidr,
  without,
} from "./addresses.ts";

test("addresses in canonical text", () => {
  for (const [given, canonical] of [
    ["10.0.0.1", "10.0.0.1"],
    ["255.255.255.255", "255.255.255.255"],
    ["2001:0db8::0001", "2001:db8::1"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["::", "::"],
    ["::ffff:1.2.3.4", "::ffff:102:304"],
    ["FE80::A", "fe80::a"],
    ["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"],
  ] as const) {
    assert.equal(canonicalAddress(given), canonical, given);
  }
});

test("what is no address", () => {
  for (const text of [
    "",
    "10.0.0",
    "10.0.0.256",
    "010.0.0.1",
    "1.2.3.4.5",
    "::1::",
    "1:2:3:4:5:6:7",
    "12345::",
    "1.2.3.4/24",
    "fe80::1%eth0",
    "::1.2.3",
    "a.b.c.d",
    " 1.2.3.4",
    "1:2:3:4:5:6:7:8::",
  ]) {
    assert.equal(parseAddress(text), null, text);
  }
});

test("prefixes", () => {
  assert.deepEqual(parseCidr("10.1.2.3/16"), {
    version: 4,
    prefix: 16,
    first: 0x0a010000n,
    last: 0x0a01ffffn,
    text: "10.1.0.0/16",
    exact: false,
  });
  assert.equal(parseCidr("10.1.2.3")?.text, "10.1.2.3/32");
  assert.equal(parseCidr("2001:db8::/64")?.exact, true);
  for (const text of ["10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/8/8", "::/129", "10.0.0.0/"])
    assert.equal(parseCidr(text), null, text);
});

const cidr = (text: string) => {
  const parsed = parseCidr(text);
  assert.ok(parsed);
  return parsed;
};

test("who contains and overlaps whom", () => {
  assert.equal(overlaps(cidr("10.0.0.0/24"), cidr("10.0.0.128/25")), true);
  assert.equal(overlaps(cidr("10.0.0.0/25"), cidr("10.0.0.128/25")), false);
  assert.equal(overlaps(cidr("0.0.0.0/0"), cidr("::/0")), false);
  assert.equal(contains(cidr("10.0.0.0/24"), { version: 4, value: 0x0a0000ffn }), true);
  assert.equal(contains(cidr("10.0.0.0/24"), { version: 6, value: 0x0a0000ffn }), false);
});

test("network and broadcast addresses belong to no host, except on a /31", () => {
  const net = cidr("10.0.0.0/30");
  assert.deepEqual(
    [0n, 1n, 2n, 3n].map((offset) => isHostAddress(net, net.first + offset)),
    [false, true, true, false],
  );
  const link = cidr("10.0.0.0/31");
  assert.deepEqual(
    [0n, 1n].map((offset) => isHostAddress(link, link.first + offset)),
    [true, true],
  );
  const six = cidr("2001:db8::/126");
  assert.deepEqual(
    [0n, 3n].map((offset) => isHostAddress(six, six.first + offset)),
    [false, true],
  );
});

test("EUI-64 (RFC 4291, appendix A)", () => {
  assert.equal(eui64Address(cidr("2001:db8::/64"), "fa:16:3e:00:00:01"), "2001:db8::f816:3eff:fe00:1");
  assert.equal(eui64Address(cidr("fd00:1::/64"), "00:16:3e:12:34:56"), "fd00:1::216:3eff:fe12:3456");
});

test("MAC addresses", () => {
  assert.equal(canonicalMac("FA-16-3E-00-00-01"), "fa:16:3e:00:00:01");
  for (const text of [
    "01:00:5e:00:00:01",
    "ff:ff:ff:ff:ff:ff",
    "00:00:00:00:00:00",
    "fa:16:3e:00:00",
    "zz:16:3e:00:00:01",
  ])
    assert.equal(canonicalMac(text), null, text);
});

test("a range without one address", () => {
  assert.deepEqual(without([{ start: 1n, end: 5n }], 3n), [
    { start: 1n, end: 2n },
    { start: 4n, end: 5n },
  ]);
  assert.deepEqual(without([{ start: 1n, end: 1n }], 1n), []);
  assert.deepEqual(without([{ start: 1n, end: 5n }], 9n), [{ start: 1n, end: 5n }]);
});
