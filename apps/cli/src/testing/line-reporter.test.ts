import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestEvent } from "node:test/reporters";

import { lineOf } from "./line-reporter.ts";

const event = (value: unknown): TestEvent => value as TestEvent;
const summary = (counts: object, success: boolean): TestEvent =>
  event({ type: "test:summary", data: { counts, success, file: undefined } });

test("a line for each test, and the reason of a failure", () => {
  assert.equal(lineOf(event({ type: "test:pass", data: { name: "it", details: {} } })), "passed   it");
  assert.equal(lineOf(event({ type: "test:pass", data: { name: "all", details: { type: "suite" } } })), undefined);
  const error = Object.assign(new Error("outer"), { cause: new Error("three is not four") });
  assert.equal(
    lineOf(event({ type: "test:fail", data: { name: "it", details: { error } } })),
    "FAILED   it\nthree is not four",
  );
  const subtests = new Error("2 subtests failed");
  assert.equal(lineOf(event({ type: "test:fail", data: { name: "all", details: { error: subtests } } })), undefined);
});

test("the last line counts, and a failed hook counts as a failure", () => {
  assert.equal(
    lineOf(summary({ passed: 3, failed: 1, cancelled: 1, skipped: 1, todo: 1 }, false)),
    "3 passed, 2 failed, 2 skipped",
  );
  assert.equal(
    lineOf(summary({ passed: 3, failed: 0, cancelled: 0, skipped: 0 }, true)),
    "3 passed, 0 failed, 0 skipped",
  );
  assert.equal(
    lineOf(summary({ passed: 3, failed: 0, cancelled: 0, skipped: 0 }, false)),
    "3 passed, 1 failed, 0 skipped",
  );
});
