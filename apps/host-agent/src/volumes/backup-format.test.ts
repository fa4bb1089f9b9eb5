import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";

import {
  type BackupHeader,
  backupKeys,
  decodeManifest,
  digestOf,
  encodeManifest,
  openPiece,
  readHeader,
  sealPiece,
} from "./backup-format.ts";

const keys = backupKeys(randomBytes(32).toString("base64"));
const others = backupKeys(randomBytes(32).toString("base64"));
const header: BackupHeader = {
  id: "child",
  volumeId: "volume",
  parentId: "parent",
  chain: ["parent", "child"],
  sizeBytes: 2 ** 30,
  pieceBytes: 4_194_304,
  storedBytes: 100,
  pieces: 1,
};
const entries = [
  { piece: 0, holder: 0, offset: 2 ** 40, length: 60, digest: digestOf(keys, Buffer.from("a")) },
  { piece: 255, holder: 1, offset: 0, length: 100, digest: digestOf(keys, Buffer.from("b")) },
];

test("a manifest comes back as it was written, its header without a key", () => {
  const manifest = encodeManifest(keys, header, entries);
  const decoded = decodeManifest(keys, manifest, "child");
  assert.deepEqual(decoded.entries, entries);
  for (const seen of [decoded.header, readHeader(manifest, "child")])
    assert.deepEqual({ ...header, format: "andromede-backup", version: 1 }, seen);
});

test("a manifest opens with its key only, and only as it was written", () => {
  const manifest = encodeManifest(keys, header, entries);
  assert.throws(() => decodeManifest(others, manifest, "child"), /cannot be read/);
  assert.throws(() => readHeader(manifest, "another"), /damaged/);
  for (const at of [manifest.indexOf("1073741824") + 1, manifest.length - 20]) {
    const changed = Buffer.from(manifest);
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.throws(() => decodeManifest(keys, changed, "child"), /damaged/);
  }
  assert.throws(() => decodeManifest(keys, Buffer.from("{\n"), "child"), /JSON/);
  assert.throws(() => decodeManifest(keys, manifest.subarray(0, 40), "child"), /damaged|JSON/);
});

test("a piece opens in its place only", () => {
  const bytes = randomBytes(1000);
  const sealed = sealPiece(keys, { holderId: "child", piece: 7 }, { bytes, compressed: true });
  assert.deepEqual(openPiece(keys, { holderId: "child", piece: 7 }, sealed), { bytes, compressed: true });
  assert.ok(!sealed.includes(bytes.subarray(0, 16)));
  for (const place of [
    { holderId: "child", piece: 8 },
    { holderId: "parent", piece: 7 },
  ])
    assert.throws(() => openPiece(keys, place, sealed), /damaged/);
  assert.throws(() => openPiece(others, { holderId: "child", piece: 7 }, sealed), /damaged/);
});

test("digests tell nothing without the key", () => {
  assert.notDeepEqual(digestOf(keys, Buffer.from("a")), digestOf(others, Buffer.from("a")));
});
