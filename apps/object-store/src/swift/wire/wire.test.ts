import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { bestMatch } from "./accept.ts";
import { conditionalStatus, etagsOf } from "./conditional.ts";
import { guessContentType } from "./content-type.ts";
import { lastModifiedMs, parseHttpDate, toHttpDate, toIsoTime, toTimestamp } from "./http-date.ts";
import { assertMetadataFits, readMetadata, readMetadataChange } from "./metadata.ts";
import { rangesOf } from "./ranges.ts";
import { parseObjectName, parsePath } from "./swift-path.ts";
import { headerText, isTrue, parseQuery, quote, titleCase, toHeader, unquote } from "./text.ts";

describe("text on the wire", () => {
  it("headers are bytes that should be UTF-8", () => {
    const bytes = Buffer.from("pêche 日本").toString("latin1");
    assert.equal(headerText(bytes), "pêche 日本");
    assert.equal(toHeader("pêche 日本"), bytes);
    assert.equal(headerText("\xff"), null);
    assert.equal(toHeader("a\r\nb"), "a  b");
  });

  it("percent-decodes as Python does, and nothing that is no text", () => {
    assert.equal(unquote("a%20b%2Fc%zz%4"), "a b/c%zz%4");
    assert.equal(unquote("%C3%A9"), "é");
    assert.equal(unquote("%c3"), null);
    assert.equal(unquote("%ed%a0%80"), null, "half a surrogate pair");
    assert.equal(unquote("a%00"), null);
    assert.equal(quote("a b/é?'(%)~"), "a%20b/%C3%A9%3F%27%28%25%29~");
    assert.equal(quote("a/b", ""), "a%2Fb");
  });

  it("queries: the last of equal names, blanks as plus", () => {
    assert.deepEqual({ ...parseQuery("a=1&b&a=2+3&&c=%26") }, { a: "2 3", b: "", c: "&" });
    assert.equal(parseQuery("a=%ff"), null);
    assert.deepEqual({ ...parseQuery("__proto__=x") }, JSON.parse('{"__proto__":"x"}'));
  });

  it("words for yes, and titles", () => {
    assert.deepEqual(["True", "yes", "on", "1", "no", "", undefined].map(isTrue), [
      true,
      true,
      true,
      true,
      false,
      false,
      false,
    ]);
    assert.equal(titleCase("temp-url-key-2x"), "Temp-Url-Key-2X");
  });
});

describe("paths", () => {
  it("are decoded first, then split", () => {
    assert.deepEqual(parsePath("/v1/AUTH_x"), { account: "AUTH_x", container: null, object: null });
    assert.deepEqual(parsePath("/v1/AUTH_x/"), { account: "AUTH_x", container: null, object: null });
    assert.deepEqual(parsePath("/v1/AUTH_x/c%2Fo//p/"), { account: "AUTH_x", container: "c", object: "o//p/" });
    assert.deepEqual(parsePath("/v1/AUTH_x/c/"), { account: "AUTH_x", container: "c", object: null });
    assert.equal(parsePath("/v1/AUTH_x//o"), "bad-url");
    assert.equal(parsePath("/v1"), "bad-url");
    assert.equal(parsePath("/v2/AUTH_x"), "no-path");
    assert.equal(parsePath("/v1/AUTH_x/%fe"), "invalid-text");
    assert.deepEqual(parseObjectName("/c/o/p"), { container: "c", object: "o/p" });
    assert.deepEqual([parseObjectName("c"), parseObjectName("c/"), parseObjectName("/")], [null, null, null]);
  });
});

describe("accept", () => {
  const options = ["text/plain", "application/json", "application/xml"];
  it("takes the best that there is", () => {
    assert.equal(bestMatch(undefined, options), "text/plain");
    assert.equal(bestMatch("application/*", options), "application/json");
    assert.equal(bestMatch("text/plain;q=0.2, application/xml", options), "application/xml");
    assert.equal(bestMatch("*/*, application/json", options), "application/json");
    assert.equal(bestMatch("image/png", options), null);
    assert.equal(bestMatch("text/plain;q=0", options), null);
    assert.throws(() => bestMatch("nonsense", options), /Invalid Accept/);
  });
});

describe("times", () => {
  it("as Swift writes and reads them", () => {
    const time = new Date(1_700_000_000_123);
    assert.equal(toTimestamp(time), "1700000000.12300");
    assert.equal(toIsoTime(time), "2023-11-14T22:13:20.123000");
    assert.equal(toHttpDate(lastModifiedMs(time)), "Tue, 14 Nov 2023 22:13:21 GMT");
    assert.equal(parseHttpDate("Tue, 14 Nov 2023 22:13:21 GMT"), 1_700_000_001_000);
    assert.equal(parseHttpDate("Tue Nov 14 22:13:21 2023"), 1_700_000_001_000);
    assert.ok(Number.isNaN(parseHttpDate("17")));
  });
});

describe("ranges", () => {
  const show = (header: string, size = 10): string | null =>
    rangesOf(header, size)
      ?.map(({ start, end }) => `${start}-${end}`)
      .join() ?? null;
  it("those that make sense", () => {
    assert.equal(show("bytes=0-3"), "0-4");
    assert.equal(show("bytes=5-, -2"), "5-10,8-10");
    assert.equal(show("bytes=-20"), "0-10");
    assert.equal(show("bytes=9-200"), "9-10");
    assert.equal(show("bytes=10-"), "");
    assert.equal(show("bytes=-0"), "");
    for (const wrong of ["bytes=", "bytes=-", "bytes=3-1", "bytes=a-b", "lines=1-2", "bytes=1"])
      assert.equal(show(wrong), null, wrong);
  });
  it("not everything many times over", () => {
    assert.equal(show("bytes=0-,0-,0-"), "");
    assert.equal(show(`bytes=${Array.from({ length: 51 }, (_, index) => `${index}-${index}`).join()}`, 100), "");
    assert.equal(show(`bytes=${Array.from({ length: 8 }, (_, index) => `${8 - index}-${8 - index}`).join()}`), "");
  });
});

describe("conditions", () => {
  const what = { etag: "abc", modifiedMs: 1_700_000_000_000 };
  const at = "Tue, 14 Nov 2023 22:13:20 GMT";
  it("in Swift's order", () => {
    assert.equal(conditionalStatus({}, what), null);
    assert.equal(conditionalStatus({ "if-none-match": '"x", W/"abc"' }, what), 304);
    assert.equal(conditionalStatus({ "if-none-match": "*", "if-match": "x" }, what), 304);
    assert.equal(conditionalStatus({ "if-match": '"abc"' }, what), null);
    assert.equal(conditionalStatus({ "if-match": "x" }, what), 412);
    assert.equal(conditionalStatus({ "if-modified-since": at }, what), 304);
    assert.equal(conditionalStatus({ "if-unmodified-since": at }, what), null);
    assert.equal(conditionalStatus({ "if-unmodified-since": "Mon, 13 Nov 2023 22:13:20 GMT" }, what), 412);
    assert.equal(conditionalStatus({ "if-modified-since": "never" }, what), null);
    assert.deepEqual(etagsOf('"a", b,, *'), ["a", "b", "*"]);
  });
});

describe("content types", () => {
  it("by a name's end", () => {
    for (const [name, type] of [
      ["a/b.TXT", "text/plain"],
      ["x.tar.gz", "application/x-tar"],
      ["x.tgz", "application/x-tar"],
      ["x.gz", "application/octet-stream"],
      ["noend", "application/octet-stream"],
      [".txt", "application/octet-stream"],
      ["x.constructor", "application/octet-stream"],
      ["dir.html/x", "application/octet-stream"],
    ] as const)
      assert.equal(guessContentType(name), type, name);
  });
});

describe("metadata", () => {
  it("by lower-case name, within limits", () => {
    assert.deepEqual(
      readMetadata({ "x-object-meta-a-b": "1", "x-object-metadata": "2", "content-type": "x" }, "object"),
      { "a-b": "1" },
    );
    assert.throws(() => readMetadata({ "x-object-meta-": "1" }, "object"), /cannot be empty/);
    assert.throws(() => readMetadata({ "x-object-meta-a": "\xff" }, "object"), /valid UTF-8/);
    const large = Object.fromEntries(
      Array.from({ length: 20 }, (_, index) => [`x-object-meta-${index}`, "v".repeat(250)]),
    );
    assert.throws(() => readMetadata(large, "object"), /Total metadata too large/);
  });
  it("changes take away what is empty or to be removed", () => {
    const headers = {
      "x-container-meta-a": "",
      "x-container-meta-b": "2",
      "x-remove-container-meta-c": "",
      "x-remove-container-meta-b": "x",
    };
    assert.deepEqual(readMetadataChange(headers, "container"), { a: null, b: null, c: null });
    const full = Object.fromEntries(Array.from({ length: 90 }, (_, index) => [`n${index}`, ""]));
    assert.throws(() => assertMetadataFits(full, { more: "1" }), /Too many metadata items/);
    assertMetadataFits(full, { n1: null, more: "1" });
  });
});
