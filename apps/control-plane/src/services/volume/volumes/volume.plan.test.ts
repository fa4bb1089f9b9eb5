import assert from "node:assert/strict";
import { test } from "node:test";

import { limitsOf } from "../types/qos.model.ts";
import { readDictionary } from "../common/list-request.ts";
import type { Volume } from "./volume.model.ts";
import { DELETE_DEADLINE_MS, TASK_DEADLINE_MS, type VolumeNeighbours, planVolume } from "./volume.plan.ts";

const START = 1_000_000;

const volume = (over: Partial<Volume>): Volume =>
  ({
    status: "available",
    generation: 2,
    deleting: false,
    remake: false,
    pool: "volumes",
    taskSince: new Date(START),
    observedGeneration: 2,
    observedState: "ready",
    observedSizeGib: 1,
    observedGone: false,
    observedFault: null,
    ...over,
  }) as Volume;

const around = (over: Partial<VolumeNeighbours> = {}): VolumeNeighbours => ({
  snapshots: [],
  host: "host1",
  users: 0,
  nowMs: START + 1,
  ...over,
});

const making = {
  status: "creating",
  generation: 1,
  observedGeneration: null,
  observedState: null,
  observedSizeGib: null,
} as const;
const snapshot = { status: "creating" as const, wanted: true, taskSince: new Date(START) };

test("each state has a next step", () => {
  for (const [what, of, beside, step] of [
    ["settled", {}, {}, "rest"],
    ["new, nowhere", { ...making, pool: null }, {}, "choosePool"],
    ["new, placed", making, {}, "put"],
    ["new, nobody there", making, { host: null }, "await"],
    ["new, for too long", making, { nowMs: START + TASK_DEADLINE_MS }, "fail"],
    ["made", { status: "creating" }, {}, "settle"],
    ["could not be made", { status: "creating", observedState: "failed" }, {}, "fail"],
    ["grows", { status: "extending", generation: 3 }, {}, "put"],
    ["is being worked on", { status: "extending", observedState: "working" }, {}, "put"],
    ["a snapshot to take", { generation: 3 }, { snapshots: [snapshot] }, "put"],
    ["a snapshot taken", {}, { snapshots: [snapshot] }, "settle"],
    ["a snapshot of nothing", { pool: null, observedGeneration: null }, { snapshots: [snapshot] }, "settle"],
    ["failed, and told", { status: "error", observedState: "failed" }, {}, "rest"],
    ["wishes an agent has not heard", { generation: 3 }, {}, "put"],
    ["never made, in error", { ...making, status: "error" }, {}, "rest"],
    ["made anew: first away with the old", { status: "downloading", remake: true }, {}, "wipe"],
    ["made anew, nobody there", { status: "downloading", remake: true }, { host: null }, "await"],
    ["made anew: then the new", { ...making, status: "downloading" }, {}, "put"],
    ["made anew, and there", { status: "downloading" }, {}, "settle"],
    ["made anew, for too long", { ...making, status: "downloading" }, { nowMs: START + TASK_DEADLINE_MS }, "fail"],
    ["an operator said otherwise: nothing goes", { status: "available", remake: true, generation: 3 }, {}, "put"],
    ["a snapshot is no reason either", { remake: true, generation: 3 }, { snapshots: [snapshot] }, "put"],
    ["deleted before an agent heard", { deleting: true, pool: null }, {}, "forget"],
    ["deleted", { deleting: true }, {}, "delete"],
    ["deleted, but read", { deleting: true }, { users: 1 }, "await"],
    ["deleted, nobody there", { deleting: true }, { host: null }, "await"],
    ["deleted, for too long", { deleting: true }, { nowMs: START + DELETE_DEADLINE_MS }, "failDeletion"],
    ["gone", { deleting: true, observedGone: true }, {}, "forget"],
  ] as const) {
    assert.equal(planVolume(volume(of), around(beside)).step, step, what);
  }
});

test("limits follow the specs, and grow with the volume where they say so", () => {
  assert.equal(limitsOf(null, 10), undefined);
  assert.equal(limitsOf({ unknown: "5", read_iops_sec: "many" }, 10), undefined);
  assert.deepEqual(limitsOf({ read_iops_sec: "100", total_bytes_sec_per_gb: "10" }, 10), {
    readIops: 100,
    totalBytesSec: 100,
  });
  assert.deepEqual(limitsOf({ write_iops_sec_per_gb: "10", write_iops_sec_per_gb_min: "500" }, 10), { writeIops: 500 });
});

test("a dictionary as Python writes it", () => {
  assert.deepEqual(readDictionary("{'Type': 'work'}", "metadata"), { Type: "work" });
  assert.deepEqual(readDictionary(`{u'a': "it's", 'b': 5, "c": "\\"d\\""}`, "metadata"), {
    a: "it's",
    b: "5",
    c: '"d"',
  });
  assert.deepEqual(readDictionary("{}", "metadata"), {});
  for (const text of ["", "x", "{'a'}", "{'a': 'b'", "{'a': ['b']}", "{'a': 'b' 'c'}"]) {
    assert.throws(() => readDictionary(text, "metadata"), /not a dictionary/, text);
  }
});
