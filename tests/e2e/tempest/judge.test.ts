import assert from "node:assert/strict";
import { test } from "node:test";

import { type Result, judge, keyOf, readList } from "./tempest.ts";

const ended = (id: string, status: string): Result => ({ id, status, text: `${status} text`, seconds: 2 });
const A = "tempest.api.Servers.test_a[id-1,smoke]";
const B = "tempest.api.Servers.test_b[id-2]";

test("a test is known by its name and id, whatever else is in the brackets", () => {
  assert.equal(keyOf(A), keyOf("tempest.api.Servers.test_a[id-1,slow,smoke]"));
  assert.notEqual(keyOf(A), keyOf("tempest.api.Servers.test_a[id-3,smoke]"));
});

test("only success is success", () => {
  const known = new Map([A, B].map((one) => [keyOf(one), one]));
  const passed = (results: Result[]): boolean[] =>
    [A, B].map((one) => judge([A, B], known, results).get(one)?.passed === true);
  assert.deepEqual(passed([ended(A, "success"), ended(B, "skip")]), [true, false]);
  assert.deepEqual(passed([ended(A, "fail"), ended(B, "success")]), [false, true]);
  const outcomes = judge([A, B], known, [ended(A, "success")]);
  assert.deepEqual(outcomes.get(B), { passed: false, seconds: 0, why: "came to no end" });
  assert.equal(judge([A], new Map(), []).get(A)?.why, "tempest has no such test");
  const classFailed = judge([A, B], known, [ended("setUpClass (tempest.api.Servers)", "fail")]);
  assert.deepEqual(classFailed.get(B), { passed: false, seconds: 2, why: "fail: fail text" });
});

test("the lists: 267 tests, each once, and a spread of them", async () => {
  const required = await readList("required-compute.txt");
  assert.equal(new Set(required.map(keyOf)).size, 267);
  assert.equal(required.length, 267);
  const keys = new Set(required.map(keyOf));
  const spread = await readList("spread.txt");
  assert.ok(spread.length > 0);
  assert.deepEqual(
    spread.filter((one) => !keys.has(keyOf(one))),
    [],
  );
});
