/** The pure parts: conditions, ranges, headers, sources of copies. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { parseAddress } from "../address.ts";
import { parseQuery } from "../query.ts";
import { isRangeWanted, judgeRead, readPrecondition } from "./conditional.ts";
import { parseCopySource } from "./copy-source.ts";
import { decodeWords, encodeWord, fromWire } from "./mail-words.ts";
import { readKeptHeaders, readMetadata } from "./object-headers.ts";
import { parseCopyRange, parseRange, rangeOfPart } from "./range.ts";

test("conditions of a read, in RFC 9110's order", () => {
  const object = { etag: "e", modifiedAt: new Date("2026-01-02T03:04:05.678Z") };
  const judge = (headers: { [name: string]: string }) => judgeRead(readPrecondition(headers), object);
  const at = "Fri, 02 Jan 2026 03:04:05 GMT";
  const before = "Fri, 02 Jan 2026 03:04:04 GMT";
  assert.equal(judge({}), "ok");
  assert.equal(judge({ "if-match": "*" }), "ok");
  assert.equal(judge({ "if-match": "e" }), "ok");
  assert.equal(judge({ "if-match": '"x", "e"' }), "ok");
  assert.equal(judge({ "if-match": '"x"' }), "failed");
  assert.equal(judge({ "if-unmodified-since": at }), "ok");
  assert.equal(judge({ "if-unmodified-since": before }), "failed");
  assert.equal(judge({ "if-match": '"e"', "if-unmodified-since": before }), "ok");
  assert.equal(judge({ "if-none-match": 'W/"e"' }), "notModified");
  assert.equal(judge({ "if-none-match": '"x"', "if-modified-since": at }), "ok");
  assert.equal(judge({ "if-modified-since": at }), "notModified");
  assert.equal(judge({ "if-modified-since": before }), "ok");
  assert.equal(judge({ "if-modified-since": "rubbish" }), "ok");
  assert.equal(judge({ "if-match": '"x"', "if-none-match": '"e"' }), "failed");
  for (const text of [undefined, '"e"', at]) assert.ok(isRangeWanted(text, object), text);
  for (const text of ['"x"', before, "rubbish"]) assert.ok(!isRangeWanted(text, object), text);
});

test("ranges", () => {
  const cases: [string, ReturnType<typeof parseRange>][] = [
    ["bytes=0-0", { start: 0, end: 1 }],
    ["bytes=9-", { start: 9, end: 10 }],
    ["bytes=-20", { start: 0, end: 10 }],
    ["bytes=0-99999999999", { start: 0, end: 10 }],
    ["bytes=10-", "none"],
    ["bytes=-0", "none"],
    ["bytes=2-1", null],
    ["bytes=0-1,2-3", null],
    ["bytes=a-b", null],
    ["items=0-1", null],
  ];
  for (const [text, expected] of cases) assert.deepEqual(parseRange(text, 10), expected, text);
  assert.equal(parseRange("bytes=0-", 0), "none");
  assert.equal(parseRange(undefined, 10), null);
  assert.deepEqual(parseCopyRange("bytes=2-4", 10), { start: 2, end: 5 });
  for (const text of ["bytes=2-10", "bytes=4-2", "bytes=-2", "2-4"]) assert.equal(parseCopyRange(text, 10), null, text);
  assert.deepEqual(rangeOfPart([4, 3, 3], 2, 10), { start: 4, end: 7 });
  assert.equal(rangeOfPart([4, 3, 3], 4, 10), null);
  assert.deepEqual(rangeOfPart(undefined, 1, 10), { start: 0, end: 10 });
});

test("addresses: keys are not touched", () => {
  assert.deepEqual(parseAddress("/", null), { bucket: null, key: null });
  assert.deepEqual(parseAddress("/b", null), { bucket: "b", key: null });
  assert.deepEqual(parseAddress("/b/", null), { bucket: "b", key: null });
  assert.deepEqual(parseAddress("/b/../x//y/.", null), { bucket: "b", key: "../x//y/." });
  assert.deepEqual(parseAddress("/b//", null), { bucket: "b", key: "/" });
  assert.deepEqual(parseAddress("/b/a%2Fb+c%20", null), { bucket: "b", key: "a/b+c " });
  assert.deepEqual(parseAddress("/a/b", "host-bucket"), { bucket: "host-bucket", key: "a/b" });
  assert.deepEqual(parseAddress("/", "host-bucket"), { bucket: "host-bucket", key: null });
  assert.throws(() => parseAddress("/b/%ff", null), { type: "InvalidURI" });
  assert.throws(() => parseAddress(`/b/${"%C3%A9".repeat(513)}`, null), { type: "KeyTooLongError" });
  assert.equal(parseAddress(`/b/${"%C3%A9".repeat(512)}`, null).key?.length, 512);
  assert.deepEqual(
    [...parseQuery("a=1&b&a=2&c=%26+x")],
    [
      ["a", "1"],
      ["b", ""],
      ["c", "& x"],
    ],
  );
});

test("sources of copies", () => {
  assert.deepEqual(parseCopySource("/b/k"), { bucket: "b", key: "k", versionId: undefined });
  assert.deepEqual(parseCopySource("b/a%20b/%C3%A9?versionId=v1"), { bucket: "b", key: "a b/é", versionId: "v1" });
  assert.deepEqual(parseCopySource("b%2Fk"), { bucket: "b", key: "k", versionId: undefined });
  assert.deepEqual(parseCopySource("p:b/k"), { bucket: "p:b", key: "k", versionId: undefined });
  for (const text of ["", "/", "b", "/b", "b/", "%zz/k"])
    assert.throws(() => parseCopySource(text), { type: "InvalidArgument" }, text);
});

test("metadata: bytes are UTF-8, words are decoded, what is not ASCII is sent as a word", () => {
  const wire = (text: string): string => Buffer.from(text).toString("latin1");
  assert.equal(fromWire(wire("é€")), "é€");
  assert.equal(fromWire("\u00ff"), "\u00ff");
  assert.equal(decodeWords("a =?UTF-8?Q?b=C3=A9_c?= d"), "a bé c d");
  assert.equal(decodeWords("=?UTF-8?B?w6k=?= =?ISO-8859-1?Q?=E9?="), "éé");
  assert.equal(decodeWords("=?NOPE?B?w6k=?="), "=?NOPE?B?w6k=?=");
  assert.equal(decodeWords(encodeWord("été")), "été");
  assert.equal(encodeWord("plain"), "plain");
  assert.deepEqual(readMetadata({ "x-amz-meta-a": "1", "x-amz-meta-b": wire("é"), host: "x" }), { a: "1", b: "é" });
  assert.throws(() => readMetadata({ "x-amz-meta-a": "x".repeat(2048) }), { type: "MetadataTooLarge" });
  assert.deepEqual(readKeptHeaders({ "content-encoding": "aws-chunked, gzip", expires: "never" }), {
    "content-encoding": "gzip",
    expires: "never",
  });
  assert.equal(readKeptHeaders({ "content-encoding": "aws-chunked" }), undefined);
});
