import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { describe, it } from "node:test";

import {
  BLOCK_BYTES,
  HEADER_BYTES,
  ROT,
  SEAL_BYTES,
  announcedBytes,
  blockCount,
  blockOffset,
  createAddress,
  createExtentCheck,
  extentKey,
  isWholeExtent,
  newExtent,
  openBlock,
  openSmall,
  sealBlock,
  sealSmall,
  sealedBytes,
} from "./seal.ts";

const key = randomBytes(32);
const rot = { kind: "internal", type: ROT };

describe("a small extent", () => {
  for (const size of [1, 17, 4096, 65_535, 65_536]) {
    it(`opens again: ${size} bytes`, () => {
      const body = randomBytes(size);
      const extent = sealSmall(key, body);
      assert.equal(extent.length, sealedBytes(size));
      assert.equal(announcedBytes(extent), size);
      assert.ok(isWholeExtent(extent));
      assert.ok(openSmall(key, extent).equals(body));
      assert.ok(!extent.includes(body.subarray(0, 16)) || size < 16);
    });
  }

  it("is another one each time", () => {
    const body = Buffer.alloc(100);
    assert.notDeepEqual(sealSmall(key, body), sealSmall(key, body));
  });

  it("does not open when any of its bits is another", () => {
    const body = randomBytes(40);
    const extent = sealSmall(key, body);
    const checksum = (extent.length - 4) * 8;
    for (let bit = 0; bit < extent.length * 8; bit += 1) {
      const bad = Buffer.from(extent);
      bad[bit >> 3] = (bad[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      // a flipped bit of the last checksum does no harm to the body; the scrub sees it
      if (bit >= checksum) assert.ok(openSmall(key, bad).equals(body));
      else assert.throws(() => openSmall(key, bad), { kind: "internal" }, `bit ${bit}`);
      assert.equal(isWholeExtent(bad), false, `bit ${bit}`);
    }
  });

  it("does not open with another key, and that is no rot", () => {
    const extent = sealSmall(key, randomBytes(40));
    assert.throws(
      () => openSmall(randomBytes(32), extent),
      (error: { type?: string }) => error.type !== ROT,
    );
  });

  it("is none when it is cut off", () => {
    const extent = sealSmall(key, randomBytes(40));
    for (const bytes of [0, 10, HEADER_BYTES, HEADER_BYTES + SEAL_BYTES, extent.length - 1]) {
      assert.throws(() => openSmall(key, extent.subarray(0, bytes)), rot);
    }
  });
});

describe("a long extent", () => {
  const plain = randomBytes(2 * BLOCK_BYTES + 100);
  const blocks = blockCount(plain.length);
  const { header, key: own } = newExtent(key, null);
  const sealed = Array.from({ length: blocks }, (_, block) => {
    const bytes = plain.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES);
    const into = Buffer.alloc(bytes.length + SEAL_BYTES);
    sealBlock(own, block, block === blocks - 1, bytes, into);
    return into;
  });
  const [first, second, last] = sealed as [Buffer, Buffer, Buffer];

  it("derives its key as HKDF's second step does", () => {
    const info = Buffer.concat([Buffer.from("andromede/extent/v1/"), header.subarray(8, 24), Buffer.of(1)]);
    assert.deepEqual(extentKey(key, header).export(), createHmac("sha256", key).update(info).digest());
    assert.ok(extentKey(key, header).equals(own));
  });

  it("has its blocks where they are computed to be", () => {
    const file = Buffer.concat([header, ...sealed]);
    assert.equal(file.length, sealedBytes(plain.length));
    for (let block = 0; block < blocks; block += 1) {
      const at = blockOffset(block);
      const found = file.subarray(at, Math.min(file.length, blockOffset(block + 1)));
      const opened = openBlock(own, block, block === blocks - 1, found);
      assert.ok(opened.equals(plain.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES)));
    }
  });

  it("shows when blocks are moved or cut off", () => {
    assert.throws(() => openBlock(own, 0, false, second), { kind: "internal" });
    assert.throws(() => openBlock(own, 1, false, first), { kind: "internal" });
    assert.throws(() => openBlock(own, 1, true, second), { kind: "internal" }, "the last one is gone");
    assert.throws(() => openBlock(own, 2, false, last), { kind: "internal" }, "something was added");
  });

  it("is checked without a key, and has a name", () => {
    const check = createExtentCheck(header);
    const address = createAddress();
    for (const block of sealed) {
      assert.ok(check?.add(block));
      address.add(block.subarray(block.length - SEAL_BYTES));
    }
    assert.equal(check?.address(), address.address());
    const bad = Buffer.from(second);
    bad[70_000] = (bad[70_000] ?? 0) ^ 1;
    assert.equal(createExtentCheck(header)?.add(bad), false);
    assert.equal(createExtentCheck(Buffer.alloc(HEADER_BYTES)), null);
  });
});
