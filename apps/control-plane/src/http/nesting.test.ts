import assert from "node:assert/strict";
import { test } from "node:test";

import { isTooDeep } from "./nesting.ts";

const tower = (levels: number): string => `${"[".repeat(levels)}${"]".repeat(levels)}`;

test("64 levels pass, 65 do not, in arrays or objects or both", () => {
  assert.equal(isTooDeep(tower(64)), false);
  assert.equal(isTooDeep(tower(65)), true);
  assert.equal(isTooDeep(`${'{"a":['.repeat(33)}1${"]}".repeat(33)}`), true);
  assert.equal(isTooDeep(tower(500_000)), true);
});

test("what stands side by side or in a string is not deep", () => {
  assert.equal(isTooDeep(`[${"[],".repeat(1000)}1]`), false);
  assert.equal(isTooDeep(JSON.stringify({ text: `"\\"${"[".repeat(1000)}` })), false);
  assert.equal(isTooDeep(JSON.stringify(["\\", "[".repeat(1000)])), false);
});
