import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";

import { digestsOf } from "../../bytes/digests.ts";
import {
  type Algorithm,
  checkType,
  checkValue,
  checksumOfParts,
  checksumValue,
  defaultType,
  digestNameOf,
} from "./checksums.ts";

const of = (algorithm: Algorithm, bytes: Buffer): string =>
  checksumValue(algorithm, digestsOf([digestNameOf(algorithm)], bytes));

test("the CRC of the whole is made from those of its parts, whatever their sizes", () => {
  const body = randomBytes(100_003);
  const cuts = [0, 1, 1, 257, 65_536, 100_000, body.length];
  const parts = cuts.slice(1).map((end, at) => body.subarray(cuts[at], end));
  for (const algorithm of ["CRC32", "CRC32C", "CRC64NVME"] as const) {
    const values = parts.map((part) => ({ value: of(algorithm, part), size: part.length }));
    assert.equal(checksumOfParts(algorithm, "FULL_OBJECT", values), of(algorithm, body), algorithm);
  }
});

test("a composite checksum is that of the checksums, with their number", () => {
  const parts = [randomBytes(10), randomBytes(20)];
  for (const algorithm of ["CRC32", "CRC32C", "SHA1", "SHA256"] as const) {
    const values = parts.map((part) => ({ value: of(algorithm, part), size: part.length }));
    const all = Buffer.concat(values.map(({ value }) => Buffer.from(value, "base64")));
    assert.equal(checksumOfParts(algorithm, "COMPOSITE", values), `${of(algorithm, all)}-2`);
  }
});

test("known values, and what is none", () => {
  assert.equal(of("CRC32", Buffer.from("hello world")), "DUoRhQ==");
  assert.equal(of("CRC32C", Buffer.from("123456789")), Buffer.from("e3069283", "hex").toString("base64"));
  assert.equal(of("CRC64NVME", Buffer.from("123456789")), Buffer.from("ae8b14860a799888", "hex").toString("base64"));
  assert.throws(() => checkValue("CRC32", "DUoRhQ"), { type: "InvalidRequest" });
  assert.throws(() => checkValue("SHA1", "DUoRhQ=="), { type: "InvalidRequest" });
  assert.equal(defaultType("CRC64NVME"), "FULL_OBJECT");
  assert.equal(checkType("CRC32", "FULL_OBJECT"), "FULL_OBJECT");
  assert.throws(() => checkType("SHA256", "FULL_OBJECT"), { type: "InvalidRequest" });
  assert.throws(() => checkType("CRC64NVME", "COMPOSITE"), { type: "InvalidRequest" });
});
