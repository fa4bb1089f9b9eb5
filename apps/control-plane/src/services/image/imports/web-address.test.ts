import assert from "node:assert/strict";
import { test } from "node:test";

import { assertAllowedUrl, assertPublicAddress, readUrl } from "./web-address.ts";

test("only http and https, and without a name or password", () => {
  assert.equal(readUrl("https://images.example.org/a.qcow2").hostname, "images.example.org");
  for (const wrong of ["file:///etc/passwd", "ftp://x/", "x", "", "https://user:secret@x/", "gopher://x", "//x/y"])
    assert.throws(() => readUrl(wrong), wrong);
});

test("a host, with its port if that is no usual one, must have been named", () => {
  const hosts = ["images.example.org", "other.example.org:8080", "::1"];
  for (const [url, isAllowed] of [
    ["https://images.example.org/a", true],
    ["http://IMAGES.example.org/a", true],
    ["https://images.example.org:8443/a", false],
    ["https://images.example.org.evil.test/a", false],
    ["https://evil.test/images.example.org", false],
    ["http://other.example.org:8080/", true],
    ["http://other.example.org/", false],
    ["http://[::1]/", true],
    ["http://127.0.0.1/", false],
  ] as const) {
    const check = () => assertAllowedUrl(new URL(url), hosts);
    if (isAllowed) check();
    else assert.throws(check, url);
  }
});

test("an address of ours is not fetched from, unless it was named itself", () => {
  for (const address of [
    "127.0.0.1",
    "10.1.2.3",
    "169.254.169.254",
    "172.20.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "0.0.0.0",
    "::1",
    "fe80::1",
    "fd00::1",
    "::ffff:127.0.0.1",
    "64:ff9b::7f00:1",
    "not an address",
  ])
    assert.throws(() => assertPublicAddress(address, "", ["images.example.org"]), address);
  for (const address of ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"]) assertPublicAddress(address, "", []);
  assertPublicAddress("127.0.0.1", "", ["127.0.0.1"]);
  assertPublicAddress("127.0.0.1", "8080", ["127.0.0.1:8080"]);
  assert.throws(() => assertPublicAddress("127.0.0.1", "8081", ["127.0.0.1:8080"]));
});
