import assert from "node:assert/strict";
import { test } from "node:test";

import type { Backup } from "./backup.model.ts";
import {
  BACKUP_DEADLINE_MS,
  BACKUP_DELETE_DEADLINE_MS,
  type BackupNeighbours,
  planBackup,
  removerOf,
} from "./backup.plan.ts";

const NOW = 1_800_000_000_000;
const one: Backup = {
  id: "b",
  projectId: "p",
  userId: "u",
  volumeId: "v",
  snapshotId: null,
  parentId: null,
  name: null,
  description: null,
  container: "c",
  availabilityZone: null,
  status: "creating",
  sizeGib: 1,
  metadata: {},
  failReason: null,
  keyId: "k",
  dataTimestamp: new Date(NOW),
  createdAt: new Date(NOW),
  updatedAt: null,
  taskSince: new Date(NOW),
  deleting: false,
  imported: false,
  restoringVolumeId: null,
  pool: "volumes",
  host: "host1",
  hasDependents: false,
  observedState: null,
  observedStoredBytes: null,
  observedPieces: null,
  observedProgress: null,
  observedFault: null,
};
const here: BackupNeighbours = { host: "host1", hasSource: true, isRestoring: false, nowMs: NOW };
const step = (over: Partial<Backup>, around: Partial<BackupNeighbours> = {}): string =>
  planBackup({ ...one, ...over }, { ...here, ...around }).step;

test("a backup is asked for until the host says how it went", () => {
  assert.equal(step({}), "put");
  assert.equal(step({ observedState: "working" }), "put");
  assert.equal(step({ observedState: "ready" }), "settle");
  assert.equal(step({ observedState: "failed" }), "fail");
  assert.equal(step({}, { host: null }), "await");
  assert.equal(step({}, { hasSource: false }), "fail");
  assert.equal(step({ status: "available" }), "rest");
  assert.equal(step({ status: "error" }), "rest");
});

test("nothing waits for ever", () => {
  assert.equal(step({}, { host: null, nowMs: NOW + BACKUP_DEADLINE_MS }), "fail");
  const late = { nowMs: NOW + BACKUP_DELETE_DEADLINE_MS, host: null };
  assert.equal(step({ deleting: true }, late), "failDeletion");
  assert.equal(step({ deleting: true, hasDependents: true }, late), "failDeletion");
});

test("a restore ends with its volume", () => {
  assert.equal(step({ status: "restoring" }, { isRestoring: true }), "rest");
  assert.equal(step({ status: "restoring" }), "restored");
});

test("those that build on a backup go first", () => {
  assert.equal(step({ deleting: true, hasDependents: true }), "await");
  assert.equal(step({ deleting: true }), "delete");
  assert.equal(step({ deleting: true }, { host: null }), "await");
  assert.equal(step({ deleting: true, host: null }), "forget");
  assert.equal(step({ deleting: true, host: null, imported: true }), "delete");
});

test("who may still be making it is asked first", () => {
  const around = { isMakerUp: false, other: "host2", nowMs: NOW };
  assert.equal(removerOf(one, { ...around, isMakerUp: true }), "host1");
  assert.equal(removerOf(one, around), null);
  assert.equal(removerOf({ ...one, observedState: "ready" }, around), "host2");
  assert.equal(removerOf(one, { ...around, nowMs: NOW + BACKUP_DELETE_DEADLINE_MS / 3 }), "host2");
});
