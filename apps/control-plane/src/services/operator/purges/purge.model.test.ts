import assert from "node:assert/strict";
import { test } from "node:test";

import { type Remaining, countsOf, mostOf, planPurge } from "./purge.model.ts";

const servers = { name: "compute.server", order: 10, ids: ["a", "b"] };
const consoles = { name: "compute.console", order: 10, ids: ["c"] };
const networks = { name: "network.network", order: 300, ids: ["n"] };
const fresh = { step: null, askedAt: null, reason: null };

test("classes go in their order, those of one order together", () => {
  const left: Remaining = [networks, servers, consoles];
  assert.deepEqual(planPurge(fresh, left, 0), { step: "ask", order: 10, classes: [servers, consoles] });
  const gone = { ...servers, ids: [] };
  assert.deepEqual(planPurge({ ...fresh, step: 10, askedAt: new Date(0) }, [networks, gone], 1), {
    step: "ask",
    order: 300,
    classes: [networks],
  });
});

test("what was asked is awaited, and asked again after a while; sooner when it refused", () => {
  const asked = { step: 10, askedAt: new Date(1_000), reason: null };
  assert.equal(planPurge(asked, [servers], 1_400).step, "await");
  assert.equal(planPurge(asked, [servers], 29_000).step, "await");
  assert.equal(planPurge(asked, [servers], 31_000).step, "ask");
  assert.equal(planPurge({ ...asked, reason: "in use" }, [servers], 3_000).step, "ask");
});

test("nothing left is the end", () => {
  assert.deepEqual(planPurge(fresh, [], 0), { step: "finish" });
  assert.deepEqual(planPurge(fresh, [{ ...servers, ids: [] }], 0), { step: "finish" });
});

test("counts", () => {
  assert.deepEqual(countsOf([servers, { ...networks, ids: [] }]), { "compute.server": 2 });
  assert.deepEqual(mostOf({ a: 2, b: 1 }, { b: 3, c: 1 }), { a: 2, b: 3, c: 1 });
});
