import assert from "node:assert/strict";
import { it } from "node:test";

import { createUploadIds } from "./upload-ids.ts";

it("ids of uploads grow, within one moment and when the clock is set back", () => {
  const next = createUploadIds();
  const moments = [1_000, 1_000, 1_000, 999, 1_001, ...Array.from({ length: 300 }, () => 2_000)];
  const ids = moments.map((nowMs) => next(nowMs));
  assert.deepEqual(ids, ids.toSorted());
  assert.equal(new Set(ids).size, ids.length);
  assert.ok(ids.every((id) => id.length === ids[0]?.length));
});
