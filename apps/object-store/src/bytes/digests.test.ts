import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { crc32 } from "node:zlib";

import type { DigestName } from "./byte-store.ts";
import { createDigests, digestsOf } from "./digests.ts";

const ALL: DigestName[] = ["md5", "sha1", "sha256", "crc32", "crc32c", "crc64nvme"];

describe("digests", () => {
  it("of 123456789 are those that their standards name", () => {
    assert.deepEqual(digestsOf(ALL, Buffer.from("123456789")), {
      md5: "25f9e794323b453885f5181f1b624d0b",
      sha1: "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
      sha256: "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
      crc32: "cbf43926",
      crc32c: "e3069283",
      crc64nvme: "ae8b14860a799888",
    });
  });

  it("of 32 bytes are those of RFC 3720, B.4", () => {
    const ascending = Buffer.from(Array.from({ length: 32 }, (_, index) => index));
    assert.equal(digestsOf(["crc32c"], Buffer.alloc(32)).crc32c, "8a9136aa");
    assert.equal(digestsOf(["crc32c"], Buffer.alloc(32, 0xff)).crc32c, "62a8ab43");
    assert.equal(digestsOf(["crc32c"], ascending).crc32c, "46dd794e");
  });

  it("of nothing", () => {
    const { md5, crc32: crc, crc32c, crc64nvme } = digestsOf(ALL, Buffer.alloc(0));
    assert.deepEqual(
      [md5, crc, crc32c, crc64nvme],
      ["d41d8cd98f00b204e9800998ecf8427e", "00000000", "00000000", "0000000000000000"],
    );
  });

  it("are the same however a body is cut", () => {
    const body = randomBytes(300_007);
    const whole = digestsOf(ALL, body);
    assert.equal(whole.md5, createHash("md5").update(body).digest("hex"));
    assert.equal(whole.crc32, crc32(body).toString(16).padStart(8, "0"));
    for (const size of [1, 7, 8, 9, 4096, 100_001]) {
      const stream = createDigests(ALL);
      const part = size === 1 ? body.subarray(0, 1000) : body;
      for (let at = 0; at < part.length; at += size) void stream.update(part.subarray(at, at + size));
      assert.deepEqual(stream.digests(), part === body ? whole : digestsOf(ALL, part), `by ${size}`);
    }
  });

  it("always have MD5, and nothing that was not asked for", () => {
    assert.deepEqual(Object.keys(digestsOf([], Buffer.of(1))), ["md5"]);
    const stream = createDigests(["crc32"]);
    void stream.update(Buffer.of(1));
    assert.deepEqual(Object.keys(stream.digests()), ["md5", "crc32"]);
  });
});
