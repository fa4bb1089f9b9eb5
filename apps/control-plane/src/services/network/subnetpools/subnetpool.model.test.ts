import assert from "node:assert/strict";
import { test } from "node:test";

import { checkGrown, planAllocation, readPrefixLengths, readPrefixes } from "./subnetpool.model.ts";

const pool = {
  id: "p",
  ipVersion: 4 as const,
  prefixes: ["10.10.0.0/16"],
  minPrefixlen: 20,
  maxPrefixlen: 30,
  defaultPrefixlen: 24,
};
const take = (taken: string[], wanted: { cidr?: string; prefixLength?: number } = {}, of = pool) =>
  planAllocation(of, taken, { cidr: wanted.cidr, prefixLength: wanted.prefixLength }).text;

test("prefixes are compacted", () => {
  assert.deepEqual(readPrefixes(["10.11.0.0/16", "10.10.0.0/16", "10.10.5.0/24"]), {
    ipVersion: 4,
    prefixes: ["10.10.0.0/15"],
  });
  assert.throws(() => readPrefixes(["10.0.0.0/8", "fd00::/48"]), { type: "PrefixVersionMismatch" });
  assert.throws(() => readPrefixes([]), { kind: "invalid" });
  assert.throws(() => readPrefixes(["ten"]), { kind: "invalid" });
});

test("prefix lengths", () => {
  assert.deepEqual(readPrefixLengths(4, {}), { minPrefixlen: 8, maxPrefixlen: 32, defaultPrefixlen: 8 });
  assert.throws(() => readPrefixLengths(4, { minPrefixlen: 24, maxPrefixlen: 20 }), { kind: "invalid" });
  assert.throws(() => readPrefixLengths(4, { maxPrefixlen: 64 }), { kind: "invalid" });
  assert.throws(() => readPrefixLengths(6, { minPrefixlen: 64, defaultPrefixlen: 48 }), { kind: "invalid" });
});

test("the first free prefix of the length", () => {
  assert.equal(take([]), "10.10.0.0/24");
  assert.equal(take(["10.10.0.0/24", "10.10.1.0/24"]), "10.10.2.0/24");
  assert.equal(take(["10.10.0.0/30"]), "10.10.1.0/24");
  assert.equal(take(["10.10.1.0/24"], { prefixLength: 23 }), "10.10.2.0/23");
  assert.equal(take(["10.10.0.0/17"], { prefixLength: 30 }), "10.10.128.0/30");
  assert.throws(() => take(["10.10.0.0/16"]), { kind: "conflict" });
});

test("a prefix of one's choice", () => {
  assert.equal(take(["10.10.0.0/24"], { cidr: "10.10.7.0/24" }), "10.10.7.0/24");
  assert.throws(() => take(["10.10.7.0/25"], { cidr: "10.10.7.0/24" }), { kind: "conflict" });
  assert.throws(() => take([], { cidr: "10.99.0.0/24" }), { kind: "conflict" });
  assert.throws(() => take([], { prefixLength: 16 }), { type: "MinPrefixSubnetAllocationError" });
  assert.throws(() => take([], { prefixLength: 32 }), { type: "MaxPrefixSubnetAllocationError" });
});

test("a pool only grows", () => {
  assert.doesNotThrow(() => checkGrown(["10.10.0.0/16"], ["10.10.0.0/15"]));
  assert.throws(() => checkGrown(["10.10.0.0/16"], ["10.10.0.0/17"]), { kind: "invalid" });
});
