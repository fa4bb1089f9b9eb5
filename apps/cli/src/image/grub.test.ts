import assert from "node:assert/strict";
import { test } from "node:test";

import { joinGrubStages } from "./grub.ts";

const bootImage = Buffer.alloc(512, 0x11);
const coreImage = Buffer.alloc(512 * 3 + 7, 0x22);

test("the first stage is told the second one's sector and leaves the partition table alone", () => {
  const { bootCode } = joinGrubStages(bootImage, coreImage, 2048, 2048);
  assert.equal(bootCode.length, 440);
  assert.equal(bootCode.readBigUInt64LE(0x5c), 2048n);
  assert.equal(bootCode.readUInt16LE(0x66), 0x9090);
  assert.equal(bootCode[0x5b], 0x11);
  assert.equal(bootCode[0x64], 0x11);
});

test("the second stage is told where the rest of itself lies, and is padded to whole sectors", () => {
  const { core } = joinGrubStages(bootImage, coreImage, 2048, 2048);
  assert.equal(core.length, 4 * 512);
  assert.equal(core.readBigUInt64LE(500), 2049n);
  assert.equal(core.readUInt16LE(508), 3);
  assert.equal(core.readUInt16LE(510), 0x820);
  assert.equal(core[499], 0x22);
  assert.equal(core[512], 0x22);
  assert.equal(core.at(-1), 0);
});

test("the images it was given are not changed", () => {
  joinGrubStages(bootImage, coreImage, 2048, 2048);
  assert.ok(bootImage.every((byte) => byte === 0x11));
  assert.ok(coreImage.every((byte) => byte === 0x22));
});

test("what cannot boot is refused", () => {
  assert.throws(() => joinGrubStages(bootImage.subarray(1), coreImage, 2048, 2048), /511 bytes/);
  assert.throws(() => joinGrubStages(bootImage, coreImage.subarray(0, 512), 2048, 2048), /too short/);
  assert.throws(() => joinGrubStages(bootImage, coreImage, 2048, 3), /needs 4 sectors, the partition has 3/);
});
