import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { describe, it } from "node:test";

import { makeTar } from "../testing/make-tar.ts";
import { parseDoomed } from "./bulk-delete.model.ts";
import { bulkBody, bulkFormat, firstBeat } from "./bulk.view.ts";
import { bunzip2 } from "./bunzip2.ts";
import { paxMetadata } from "./tar.model.ts";
import { entriesOf } from "./tar.ts";

const inPieces = (bytes: Buffer, size: number): Readable =>
  Readable.from(
    Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
      bytes.subarray(index * size, (index + 1) * size),
    ),
    { objectMode: false },
  );

async function unpack(packed: string, size = 1000): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of bunzip2(inPieces(Buffer.from(packed, "base64"), size))) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe("tar", () => {
  it("is read in whatever pieces it comes, bodies or not", async () => {
    const tar = makeTar([
      { name: "d/" },
      { name: "a", body: "x".repeat(700) },
      { name: `${"n".repeat(150)}`, body: "y" },
    ]);
    for (const size of [1, 100, 512, 513, 10_000]) {
      const seen: string[] = [];
      for await (const { name, isFile, body } of entriesOf(inPieces(tar, size))) {
        let length = 0;
        if (isFile && name !== "a") for await (const chunk of body) length += chunk.length;
        seen.push(`${name.length} ${isFile} ${length}`);
      }
      assert.deepEqual(seen, ["2 false 0", "1 true 0", "150 true 1"]);
    }
  });

  it("what is broken is said to be", async () => {
    const readAll = async (bytes: Buffer): Promise<void> => {
      for await (const { body } of entriesOf(inPieces(bytes, 600))) for await (const _chunk of body);
    };
    const tar = makeTar([{ name: "a", body: "x".repeat(700) }]);
    await assert.rejects(readAll(Buffer.concat([Buffer.from([1]), tar.subarray(1)])), /invalid header/);
    await assert.rejects(readAll(tar.subarray(0, 700)), /unexpected end of data/);
    await assert.rejects(readAll(tar.subarray(0, 300)), /unexpected end of data/);
    await readAll(Buffer.alloc(0));
  });

  it("attributes become metadata", () => {
    assert.deepEqual(
      paxMetadata({
        "SCHILY.xattr.user.meta.A": "1",
        "LIBARCHIVE.xattr.user.mime_type": "x/y",
        "SCHILY.xattr.user.other": "2",
        mtime: "3",
      }),
      { contentType: "x/y", metadata: { a: "1" } },
    );
  });
});

describe("bzip2", () => {
  // python3: base64.b64encode(bz2.compress(b"hello, hello, hello; " * 50))
  const hello = "QlpoOTFBWSZTWR8fAP0AAO0ZAEAEAAgCRKAAQFKg0EMBtFsi8pGKR1SMUjxSPi7kinChID4+Afo=";
  // ... of b"a" * 100000 + b"bbb"
  const runs = "QlpoOTFBWSZTWVM6CmEAAMYRAIQAMAAACCAAMM00ClBhwhdoojHaIXi7kinChIKZ0FMI";

  it("is unpacked, streams behind each other too", async () => {
    assert.equal(await unpack(hello, 7), "hello, hello, hello; ".repeat(50));
    assert.equal(await unpack(runs), `${"a".repeat(100_000)}bbb`);
    const both = Buffer.concat([Buffer.from(runs, "base64"), Buffer.from(hello, "base64")]);
    assert.equal((await unpack(both.toString("base64"))).length, 100_003 + 1050);
  });

  it("a bit that turned never makes other bytes", async () => {
    const bytes = Buffer.from(hello, "base64");
    let found = 0;
    for (let at = 0; at < bytes.length; at += 1) {
      const turned = Buffer.from(bytes);
      turned[at] = (turned[at] ?? 0) ^ 0x10;
      try {
        // a few bits say nothing of what is inside: how large a block might be, a code that nobody uses
        assert.equal(await unpack(turned.toString("base64")), "hello, hello, hello; ".repeat(50), `byte ${at}`);
      } catch (error) {
        assert.match((error as Error).message, /bzip2/, `byte ${at}`);
        found += 1;
      }
    }
    assert.ok(found > bytes.length - 15, `found ${found}`);
    await assert.rejects(unpack(bytes.subarray(0, 30).toString("base64")), /bzip2/);
  });
});

describe("bulk answers", () => {
  const result = { "Response Status": "200 OK", "Number Deleted": 2 };
  it("in the format that is wished", () => {
    assert.equal(bulkFormat("application/json"), "application/json");
    assert.equal(bulkFormat("image/png"), null);
    assert.equal(bulkFormat("nonsense"), null);
    assert.equal(
      bulkBody("text/plain", result, [["a", "404 Not Found"]], "delete"),
      "Number Deleted: 2\nResponse Status: 200 OK\nErrors:\na, 404 Not Found\n",
    );
    assert.deepEqual(JSON.parse(bulkBody("application/json", result, [], "delete")), { ...result, Errors: [] });
    assert.equal(
      firstBeat("text/xml") + bulkBody("text/xml", result, [["<", "x"]], "delete"),
      '<?xml version="1.0" encoding="UTF-8"?>\n<delete>\n<number_deleted>2</number_deleted>\n<response_status>200 OK</response_status>\n<errors>\n<object><name>&lt;</name><status>x</status></object>\n</errors>\n</delete>\n',
    );
  });
  it("lists of names", () => {
    assert.deepEqual(parseDoomed("a/b \r\n\n c%20d\n%ff"), [
      { name: "a/b" },
      { name: "c d" },
      { name: "%ff", error: { status: 412, message: "412 Precondition Failed" } },
    ]);
    assert.throws(() => parseDoomed("a\n".repeat(10_001)), /Maximum Bulk Deletes/);
  });
});
