import assert from "node:assert/strict";
import { hash, randomBytes } from "node:crypto";
import { describe, it } from "node:test";

import { createMd5Lanes } from "./md5-lanes.ts";

describe("MD5 of many bodies at once", () => {
  it("of one that is alone, whatever its length", async () => {
    for (const length of [0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 128, 16_384, 16_385, 100_000]) {
      const body = randomBytes(length);
      const md5 = createMd5Lanes().begin();
      await md5.update(body);
      assert.equal(md5.digest(), hash("md5", body), `${length} bytes`);
    }
  });

  it("of more than there are lanes, of uneven lengths, in pieces", async () => {
    const lanes = createMd5Lanes();
    for (const count of [2, 4, 5, 8, 9, 21]) {
      const bodies = Array.from({ length: count }, (_, index) => randomBytes(70_000 * (index % 5) + index * 63));
      const found = await Promise.all(
        bodies.map(async (body) => {
          const md5 = lanes.begin();
          for (let at = 0; at < body.length; at += 32 * 1024) await md5.update(body.subarray(at, at + 32 * 1024));
          return md5.digest();
        }),
      );
      assert.deepEqual(
        found,
        bodies.map((body) => hash("md5", body)),
      );
    }
  });

  it("is of whole blocks but at the end", async () => {
    const md5 = createMd5Lanes().begin();
    await md5.update(Buffer.alloc(100));
    assert.throws(() => md5.update(Buffer.alloc(64)), TypeError);
  });
});
