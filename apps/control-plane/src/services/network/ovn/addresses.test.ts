import assert from "node:assert/strict";
import { test } from "node:test";

import { normalCidr, reverseName, serviceMac } from "./addresses.ts";

test("host bits go, text becomes canonical, an address alone is a host", () => {
  const cases = {
    "10.1.2.3/8": "10.0.0.0/8",
    "10.1.2.3": "10.1.2.3/32",
    "0.0.0.0/0": "0.0.0.0/0",
    "255.255.255.255/31": "255.255.255.254/31",
    "2001:DB8:0:0:1::1/64": "2001:db8::/64",
    "2001:db8::1/33": "2001:db8::/33",
    "::/0": "::/0",
    "fe80::1": "fe80::1/128",
    "::ffff:10.0.0.1": "::ffff:a00:1/128",
    "1:0:0:2:0:0:0:3/128": "1:0:0:2::3/128",
    "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff/45": "2001:db8:fff8::/45",
  };
  for (const [given, wanted] of Object.entries(cases)) assert.equal(normalCidr(given), wanted);
});

test("what is no network is refused", () => {
  for (const bad of ["10.0.0.0/33", "10.0.0.256/8", "host/8", "10.0.0.0/x", "::/129", "fe80::zz/64"])
    assert.throws(() => normalCidr(bad), { kind: "invalid" }, bad);
});

test("reverse names", () => {
  assert.equal(reverseName("10.0.2.1"), "1.2.0.10.in-addr.arpa");
  assert.equal(reverseName("2001:db8::1"), `1.${"0.".repeat(23)}8.b.d.0.1.0.0.2.ip6.arpa`);
});

test("a service's MAC address is stable and in OpenStack's range", () => {
  assert.match(serviceMac("a"), /^fa:16:3e(:[0-9a-f]{2}){3}$/);
  assert.equal(serviceMac("a"), serviceMac("a"));
  assert.notEqual(serviceMac("a"), serviceMac("b"));
});
