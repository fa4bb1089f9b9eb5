import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { test } from "node:test";

import { objectionTo, toOriginForm } from "./request-head.ts";

const asked = (httpVersion: string, ...rawHeaders: string[]): IncomingMessage => {
  const headers: { [name: string]: string } = {};
  for (let at = 0; at < rawHeaders.length; at += 2)
    headers[(rawHeaders[at] ?? "").toLowerCase()] ??= rawHeaders[at + 1] ?? "";
  return { httpVersion, headers, rawHeaders } as unknown as IncomingMessage;
};

test("a head is in order or it is not", () => {
  for (const [wanted, ...head] of [
    [null, "1.1", "Host", "a", "Transfer-Encoding", "Chunked"],
    [null, "1.0", "Host", "a", "Most", "b"],
    [null, "1.0"],
    [400, "0.9"],
    [400, "2.0", "Host", "a"],
    [400, "1.1", "Host", "a", "host", "a"],
    [501, "1.1", "Host", "a", "Transfer-Encoding", "gzip, chunked"],
    [501, "1.1", "Host", "a", "Transfer-Encoding", "identity"],
  ] as const) {
    const [version = "", ...headers] = head;
    assert.equal(objectionTo(asked(version, ...headers)), wanted, head.join(" "));
  }
});

test("a target with scheme and host is the same as without, if the host is the one that was asked", () => {
  for (const [target, wanted] of [
    ["/a?b", "/a?b"],
    ["http://h:1/a?b=//c", "/a?b=//c"],
    ["HTTPS://H:1", "/"],
    ["http://other/a", "http://other/a"],
    ["http://u@h:1/a", "http://u@h:1/a"],
    ["ftp://h:1/a", "ftp://h:1/a"],
    ["http:///a", "http:///a"],
    ["*", "*"],
    ["h:1/a", "h:1/a"],
  ] as const)
    assert.equal(toOriginForm(target, "h:1"), wanted);
  assert.equal(toOriginForm("http://h/a", undefined), "http://h/a");
});
