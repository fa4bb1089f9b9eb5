import assert from "node:assert/strict";
import { test } from "node:test";

import { candidatesAfter, rotate } from "./address-candidates.plan.ts";

const pools = [
  { start: 2n, end: 4n },
  { start: 10n, end: 11n },
];

test("candidates go on behind the last address and round", () => {
  assert.deepEqual(candidatesAfter(pools, undefined, 3), [2n, 3n, 4n]);
  assert.deepEqual(candidatesAfter(pools, 3n, 4), [4n, 10n, 11n, 2n]);
  assert.deepEqual(candidatesAfter(pools, 11n, 9), [2n, 3n, 4n, 10n, 11n]);
  assert.deepEqual(candidatesAfter(pools, 1000n, 2), [2n, 3n]);
  assert.deepEqual(candidatesAfter([], 3n, 2), []);
});

test("the whole of the pools, wherever one begins", () => {
  for (let after = 0n; after < 13n; after++) {
    const all = rotate(pools, after).flatMap(({ start, end }) =>
      Array.from({ length: Number(end - start) + 1 }, (_, index) => start + BigInt(index)),
    );
    assert.deepEqual(
      all.toSorted((a, b) => Number(a - b)),
      [2n, 3n, 4n, 10n, 11n],
      String(after),
    );
  }
});
