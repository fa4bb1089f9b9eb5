import assert from "node:assert/strict";
import { test } from "node:test";

import { decodeBase32, passcodeAt, stepOfPasscode } from "./totp.ts";

const SEED = Buffer.from("12345678901234567890");

test("the codes of RFC 6238, appendix B", () => {
  const table: [seconds: number, code: string][] = [
    [59, "287082"],
    [1111111109, "081804"],
    [1111111111, "050471"],
    [1234567890, "005924"],
    [2000000000, "279037"],
    [20000000000, "353130"],
  ];
  for (const [seconds, code] of table) assert.equal(passcodeAt(SEED, Math.floor(seconds / 30)), code, String(seconds));
});

test("base 32 as people write it", () => {
  assert.deepEqual(decodeBase32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), SEED);
  assert.deepEqual(decodeBase32("gezd gnbv gy3t qojq gezd gnbv gy3t qojq"), SEED);
  assert.deepEqual(decodeBase32("MZXW6==="), Buffer.from("foo"));
  assert.equal(decodeBase32("0189"), null);
  assert.equal(decodeBase32(""), null);
});

test("a code is good in its half minute and in the next", () => {
  const code = passcodeAt(SEED, 100);
  assert.equal(stepOfPasscode(SEED, code, 100 * 30_000), 100);
  assert.equal(stepOfPasscode(SEED, code, 101 * 30_000 + 29_999), 100);
  assert.equal(stepOfPasscode(SEED, code, 102 * 30_000), null);
  assert.equal(stepOfPasscode(SEED, code, 100 * 30_000 - 1), null);
  assert.equal(stepOfPasscode(SEED, `${code}0`, 100 * 30_000), null);
});
