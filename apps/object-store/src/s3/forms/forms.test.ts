import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";

import { FormBody, boundaryOf } from "./form-body.ts";
import { checkPostPolicy, parsePostPolicy } from "./post-policy.ts";

const field = (name: string, value: string): string =>
  `--B\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
const file = (content: string, name = "f.txt"): string =>
  `--B\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\nContent-Type: text/x\r\n\r\n${content}\r\n--B--\r\n`;

async function read(text: string, size: number) {
  const bytes = Buffer.from(text);
  const pieces = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
  const body = new FormBody("B");
  const [content, form] = await Promise.all([buffer(Readable.from(pieces).pipe(body)), body.form]);
  return { content: content.toString(), form };
}

test("fields and file of a form, in pieces of any size", async () => {
  const content = "line\r\n--Bx\r\n--\r\n--C";
  for (const size of [1, 2, 7, 100_000]) {
    const text = field("Key", "a/${filename}") + field("empty", "") + file(content, "C:\\dir\\f.txt");
    const got = await read(text, size);
    assert.equal(got.content, content);
    assert.deepEqual(
      [...got.form.fields],
      [
        ["key", "a/${filename}"],
        ["empty", ""],
      ],
    );
    assert.equal(got.form.fileName, "f.txt");
    assert.equal(got.form.fileType, "text/x");
  }
  assert.equal((await read(file("a\r\nb\r\n\r\n-"), 3)).content, "a\r\nb\r\n\r\n-");
  assert.equal((await read(file(""), 5)).content, "");
});

test("forms that are none", async () => {
  const wrong: [string, string][] = [
    ["", "MalformedPOSTRequest"],
    ["--B--\r\n", "MalformedPOSTRequest"],
    [`${field("a", "b")}--B--\r\n`, "MalformedPOSTRequest"],
    [`--B\r\nX: y\r\n\r\nz\r\n--B--`, "MalformedPOSTRequest"],
    [field("a", "x".repeat(30_000)), "MaxMessageLengthExceeded"],
    [`--B\r\n${"x".repeat(10_000)}`, "MalformedPOSTRequest"],
    [file("abc").slice(0, -10), "IncompleteBody"],
  ];
  for (const [text, type] of wrong) await assert.rejects(read(text, 1000), { type }, text.slice(0, 30));
  assert.equal(boundaryOf('multipart/form-data; charset=x; boundary="a b"'), "a b");
  for (const text of [undefined, "text/plain", "multipart/form-data", "multipart/mixed; boundary=x"])
    assert.throws(() => boundaryOf(text), { type: "InvalidArgument" });
});

const encode = (policy: object): string => Buffer.from(JSON.stringify(policy)).toString("base64");
const NOW = Date.UTC(2026, 0, 1);
const expiration = "2026-01-01T00:00:01.000Z";

test("the policy of a form: every condition holds, every field is allowed", () => {
  const policy = parsePostPolicy(
    encode({
      expiration,
      conditions: [
        { bucket: "b" },
        ["starts-with", "$key", "user/"],
        ["eq", "$acl", "private"],
        ["starts-with", "$Content-Type", "image/"],
        ["content-length-range", 1, 10],
        ["content-length-range", 0, 5],
      ],
    }),
  );
  const fields = (more: { [name: string]: string } = {}) =>
    new Map(
      Object.entries({
        bucket: "b",
        key: "user/x",
        acl: "private",
        "content-type": "image/a,image/b",
        policy: "x",
        "x-amz-signature": "y",
        "x-ignore-me": "z",
        ...more,
      }),
    );
  assert.deepEqual(checkPostPolicy(policy, fields(), NOW), { min: 1, max: 5 });
  for (const more of [
    { key: "other/x" },
    { acl: "public-read" },
    { bucket: "c" },
    { extra: "1" },
    { "content-type": "image/a,text/b" },
  ])
    assert.throws(() => checkPostPolicy(policy, fields(more), NOW), { type: "AccessDenied" }, JSON.stringify(more));
  assert.throws(() => checkPostPolicy(policy, fields(), NOW + 1000), { type: "AccessDenied" });
});

test("policies that are none", () => {
  const wrong = [
    "!",
    encode([]),
    encode({ expiration: "never", conditions: [] }),
    encode({ expiration, conditions: {} }),
    encode({ expiration, conditions: [1] }),
    encode({ expiration, conditions: [["eq", "key", "x"]] }),
    encode({ expiration, conditions: [["like", "$key", "x"]] }),
    encode({ expiration, conditions: [["content-length-range", 5, 1]] }),
    encode({ expiration, conditions: [{ acl: 1 }] }),
  ];
  for (const text of wrong) assert.throws(() => parsePostPolicy(text), { type: "InvalidPolicyDocument" });
});
