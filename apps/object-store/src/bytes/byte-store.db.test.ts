import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, describe, it } from "node:test";

import { type TestBytes, createTestBytes, md5 } from "./testing/test-bytes.ts";

describe("a byte store", () => {
  let test: TestBytes;
  before(async () => {
    test = await createTestBytes();
  });
  after(() => test.stop());

  const KIB = 1024;
  const MIB = 1024 * KIB;
  const SIZES = [0, 1, 1000, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, 128 * KIB - 1, 128 * KIB, 128 * KIB + 1];
  const LONG = [256 * KIB, 256 * KIB + 1, 3 * MIB + 77, 64 * MIB - 1, 64 * MIB, 64 * MIB + 1];
  const body = randomBytes(64 * MIB + 1);

  for (const size of [...SIZES, ...LONG]) {
    for (const mayPack of size <= 256 * KIB ? [true, false] : [true]) {
      it(`gives back what was written: ${size} bytes${mayPack ? "" : ", not in a pack"}`, async () => {
        const plain = body.subarray(0, size);
        for (const announced of [size, null]) {
          const written = await test.write(plain, { mayPack, size: announced });
          assert.equal(written.size, size);
          assert.equal(written.digests.md5, md5(plain));
          const kind = size === 0 ? "empty" : mayPack && size <= 64 * KIB ? "packed" : "chunked";
          assert.equal(written.placement.kind, kind);
          assert.ok(plain.equals(await test.read(written.placement, 0, size)), "the whole");
          for (const [start, end] of ranges(size)) {
            const part = await test.read(written.placement, start, end);
            assert.ok(plain.subarray(start, end).equals(part), `from ${start} to ${end}`);
          }
          await written.settle(false);
        }
        assert.deepEqual(
          test.files().filter((name) => name.startsWith("chunks/")),
          [],
        );
      });
    }
  }

  it("serves very many readers at once, each with what it asked for", async () => {
    const size = 3 * MIB + 5;
    const written = await test.write(body.subarray(0, size));
    const readers = Array.from({ length: 150 }, (_, index) => test.read(written.placement, index, size - index));
    for (const [index, part] of (await Promise.all(readers)).entries()) {
      assert.ok(body.subarray(index, size - index).equals(part), `reader ${index}`);
    }
    await written.settle(false);
  });
});

/** Ranges that begin and end before, at and after the ends of blocks. */
function ranges(size: number): [number, number][] {
  const block = 128 * 1024;
  const edges = [0, 1, block - 1, block, block + 1, 5 * block, size - block, size - 1, size]
    .filter((edge) => edge >= 0 && edge <= size)
    .sort((a, b) => a - b);
  return edges.flatMap((start, index) => (edges[index + 1] === undefined ? [] : [[start, edges[index + 1] ?? 0]]));
}
