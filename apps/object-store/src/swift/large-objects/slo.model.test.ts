import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { parseDlo } from "./dlo.model.ts";
import { type KeptSegment, etagSource, parseManifest, piecesOf, segmentRange, toRawManifest } from "./slo.model.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const kept = (name: string, bytes: number, range?: string): KeptSegment => ({
  name,
  bytes,
  hash: `h${name}`,
  content_type: "x",
  last_modified: "x",
  ...(range === undefined ? {} : { range }),
});

describe("static large objects", () => {
  it("a manifest's mistakes are all told", () => {
    const told = (manifest: unknown): string => {
      try {
        parseManifest(JSON.stringify(manifest), "c/own");
        return "";
      } catch (error) {
        return (error as Error).message;
      }
    };
    assert.equal(told({}), "Manifest must be a list.\n");
    assert.equal(told([1, { path: 2 }, { path: "/c" }]).split("\n").length, 4);
    assert.match(told([{ path: "c/o", size_bytes: "ten" }]), /Index 0: invalid size_bytes/);
    assert.match(told([{ path: "c/o", size_bytes: 0 }, { path: "c/o" }]), /Index 0: too small/);
    assert.equal(told([{ path: "c/o", size_bytes: 0 }]), "");
    assert.match(told([{ path: "c/o", range: "1-2,3-4" }]), /multiple ranges/);
    assert.match(told([{ path: "c/o", range: "x" }]), /invalid range/);
    assert.match(told([{ path: "c/o", range: "9-", size_bytes: 5 }]), /unsatisfiable range/);
    assert.match(told([{ path: "//c/own" }]), /must not include itself/);
    assert.match(told([{ data: base64("x") }]), /at least one object-backed/);
    assert.match(told([{ data: "" }, { path: "c/o" }]), /too small/);
    assert.match(told([{ path: "c/o", extra: 1 }]), /extraneous keys "extra"/);
    assert.equal(told([{ path: "c/o", etag: null, size_bytes: null, range: null }]), "");
    assert.throws(() => parseManifest("[", ""), /valid JSON/);
  });

  it("ranges of segments, and the pieces that hold a range of the whole", () => {
    assert.deepEqual(segmentRange("1-3", 10), { start: 1, end: 4 });
    assert.deepEqual(segmentRange("-4", 10), { start: 6, end: 10 });
    assert.equal(segmentRange("10-", 10), null);
    const segments = [kept("/a/1", 5), { data: base64("xyz") }, kept("/a/2", 10, "2-5")];
    const show = (start: number, end: number): string =>
      [...piecesOf(segments, { start, end })]
        .map((piece) => `${"data" in piece.segment ? "data" : piece.segment.name} ${piece.start}-${piece.end}`)
        .join(", ");
    assert.equal(show(0, 12), "/a/1 0-5, data 0-3, /a/2 2-6");
    assert.equal(show(4, 6), "/a/1 4-5, data 0-1");
    assert.equal(show(9, 11), "/a/2 3-5");
    assert.equal(show(0, 0), "");
  });

  it("what its ETag is made of, and how it may be put again", () => {
    const segments = [kept("/a/1", 5), kept("/a/2", 10, "2-5"), { data: base64("z") }];
    assert.equal(
      etagSource(segments, (bytes) => `<${bytes.toString()}>`),
      "h/a/1h/a/2:2-5;<z>",
    );
    assert.deepEqual(JSON.parse(toRawManifest(segments)), [
      { etag: "h/a/1", path: "/a/1", size_bytes: 5 },
      { etag: "h/a/2", path: "/a/2", range: "2-5", size_bytes: 10 },
      { data: base64("z") },
    ]);
  });
});

describe("dynamic large objects", () => {
  it("name a container and a prefix", () => {
    assert.equal(parseDlo("c/p%20q/"), "c/p q/");
    for (const wrong of ["c", "c/", "/p", "c//p", "c/p?x", "c/%ff"])
      assert.throws(() => parseDlo(wrong), /container\/prefix/, wrong);
  });
});
