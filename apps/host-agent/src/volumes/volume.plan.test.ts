import assert from "node:assert/strict";
import { test } from "node:test";

import type { VolumeSpec } from "@andromede/agent-api/types";

import { type VolumeState, temporaryName } from "./driver.ts";
import { type VolumeStep, planVolume, reportVolume } from "./volume.plan.ts";

const spec = (changes: Partial<VolumeSpec> = {}): VolumeSpec => ({
  id: "v",
  generation: 3,
  sizeGib: 2,
  key: "k",
  source: { kind: "empty" },
  snapshots: [],
  ...changes,
});
const state = (changes: Partial<VolumeState> = {}): VolumeState => ({
  sizeGib: 2,
  snapshots: [],
  revertNonce: null,
  ...changes,
});
const read =
  (...names: string[]) =>
  (name: string): boolean =>
    names.includes(name);
const revert = { snapshotId: "a", nonce: "n" };
const temporary = temporaryName("t");

const CASES: [string, VolumeSpec, VolumeState | null, VolumeStep["do"], string[]?][] = [
  ["nothing is there", spec(), null, "make"],
  ["all is as wanted", spec(), state(), "done"],
  ["it is smaller", spec(), state({ sizeGib: 1 }), "grow"],
  ["it is larger", spec(), state({ sizeGib: 3 }), "fault"],
  ["a snapshot is missing", spec({ snapshots: ["a"] }), state(), "takeSnapshot"],
  ["one too many", spec(), state({ snapshots: ["a"] }), "removeSnapshot"],
  ["one too many, which is read", spec(), state({ snapshots: ["a"] }), "wait", ["a"]],
  ["two too many, one is read", spec(), state({ snapshots: ["a", "b"] }), "removeSnapshot", ["a"]],
  ["a copy is being made", spec(), state({ snapshots: [temporary] }), "done", [temporary]],
  ["a copy was given up", spec(), state({ snapshots: [temporary] }), "removeSnapshot"],
  ["new ones are taken before old ones go", spec({ snapshots: ["b"] }), state({ snapshots: ["a"] }), "takeSnapshot"],
  ["it is to go back", spec({ revert, snapshots: ["a"] }), state({ snapshots: ["a"] }), "revert"],
  ["it went back", spec({ revert, snapshots: ["a"] }), state({ snapshots: ["a"], revertNonce: "n" }), "done"],
  ["it cannot go back", spec({ revert }), state(), "fault"],
  ["back to when it was smaller, then it grows", spec({ revert }), state({ sizeGib: 1, revertNonce: "n" }), "grow"],
];

for (const [what, wanted, there, step, isRead = []] of CASES) {
  test(`${what}: ${step}`, () => assert.equal(planVolume(wanted, there, read(...isRead)).do, step));
}

test("a report says nothing of what is there for a copy only, and of a key nothing at all", () => {
  const there = state({ snapshots: ["a", temporary], revertNonce: "n" });
  assert.deepEqual(reportVolume(spec(), there, { state: "failed", fault: "why" }), {
    id: "v",
    generation: 3,
    state: "failed",
    sizeGib: 2,
    snapshots: ["a"],
    revertNonce: "n",
    fault: "why",
  });
});
