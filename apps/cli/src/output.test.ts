import assert from "node:assert/strict";
import { test } from "node:test";

import { duration, table } from "./output.ts";

test("columns are as wide as their widest cell", () => {
  assert.equal(
    table([
      ["name", "pid"],
      ["postgresql", "7"],
    ]),
    "name        pid\npostgresql  7",
  );
});

test("durations are read at a glance", () => {
  assert.deepEqual([3.4, 999, 1_449, 59_900, 125_000].map(duration), [
    "3 ms",
    "999 ms",
    "1.4 s",
    "59.9 s",
    "2 min 05 s",
  ]);
});
