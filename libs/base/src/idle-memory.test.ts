import assert from "node:assert/strict";
import { test } from "node:test";

import { planCollections } from "./idle-memory.ts";

const MIB = 1024 * 1024;
const idle = (heldMib: number) => ({ busyShare: 0.01, heldBytes: heldMib * MIB });
const busy = (heldMib: number) => ({ busyShare: 0.5, heldBytes: heldMib * MIB });

test("memory is collected once nothing has happened for a while, and not again for little", () => {
  const plan = planCollections();
  assert.deepEqual(
    [idle(60), idle(60), busy(60), idle(60), idle(60), idle(60)].map((look) => plan.due(look)),
    [false, false, false, false, false, true],
  );
  plan.collected(40 * MIB);
  assert.deepEqual(
    [idle(41), idle(41), idle(41), idle(43), idle(44)].map((look) => plan.due(look)),
    [false, false, false, false, true],
  );
});

test("nothing is collected while there is something to do", () => {
  const plan = planCollections();
  for (let look = 0; look < 10; look += 1) assert.equal(plan.due(busy(500)), false);
});
