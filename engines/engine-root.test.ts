import assert from "node:assert/strict";
import { test } from "node:test";

import { engineRootHash, parsePackageList } from "./engine-root.ts";

test("a package list has comments and blank lines", () => {
  assert.deepEqual(parsePackageList("# engines\n\npostgresql-17\n  qemu-utils # images\n"), [
    "postgresql-17",
    "qemu-utils",
  ]);
});

test("another list or another recipe is another root; another order is not", () => {
  const hash = engineRootHash(["a", "b"], "recipe");
  assert.equal(engineRootHash(["b", "a"], "recipe"), hash);
  assert.notEqual(engineRootHash(["a"], "recipe"), hash);
  assert.notEqual(engineRootHash(["a", "b"], "recipe 2"), hash);
});
