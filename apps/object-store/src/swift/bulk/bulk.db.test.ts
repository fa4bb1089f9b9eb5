import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { gzipSync } from "node:zlib";

import { startSwift, type TestSwift } from "../testing/start-swift.ts";
import { makeTar } from "../testing/make-tar.ts";

describe("swift: many at once", () => {
  let swift: TestSwift;
  before(async () => {
    swift = await startSwift();
  });
  after(() => swift.stop());
  const extract = (path: string, type: string, body: Buffer, headers: { [name: string]: string } = {}) =>
    swift.as("PUT", `${path}?extract-archive=${type}`, { body, headers });

  it("an archive's files become objects, its first directories containers", async () => {
    const big = "0123456789".repeat(20_000);
    const tar = makeTar([
      { name: "./one/" },
      { name: "./one/a.txt", body: "aaa" },
      {
        name: `one/${"deep/".repeat(60)}b`,
        body: big,
        pax: { "SCHILY.xattr.user.meta.Fruit": "pear", "SCHILY.xattr.user.mime_type": "text/b" },
      },
      { name: "two/c", body: "" },
      { name: "top-level", body: "belongs nowhere" },
    ]);
    const done = await extract("", "tar", tar, { Accept: "application/json", "X-Object-Meta-All": "1" });
    assert.equal(done.status, 200);
    assert.deepEqual(JSON.parse(done.text), {
      "Response Status": "201 Created",
      "Response Body": "",
      "Number Files Created": 3,
      Errors: [],
    });
    assert.equal((await swift.as("GET", "/one/a.txt")).text, "aaa");
    assert.equal((await swift.as("GET", "/one/a.txt")).headers["content-type"], "text/plain");
    const deep = await swift.as("GET", `/one/${"deep/".repeat(60)}b`);
    assert.deepEqual(
      [deep.text === big, deep.headers["x-object-meta-fruit"], deep.headers["x-object-meta-all"]],
      [true, "pear", "1"],
    );
    assert.equal(deep.headers["content-type"], "text/b");
    assert.equal((await swift.as("HEAD", "/two/c")).headers["content-length"], "0");
  });

  it("packed, and below a prefix", async () => {
    const tar = makeTar([{ name: "x", body: "xx" }]);
    const done = await extract("/one/in", "tar.gz", gzipSync(tar));
    assert.equal(done.text, "Number Files Created: 1\nResponse Body: \nResponse Status: 201 Created\nErrors:\n");
    assert.equal((await swift.as("GET", "/one/in/x")).text, "xx");
  });

  it("what is no archive, and what does not belong in one", async () => {
    const status = async (type: string, body: Buffer): Promise<string> => (await extract("/one", type, body)).text;
    assert.match(
      await status("tar", Buffer.alloc(2048, 7)),
      /Response Body: Invalid Tar File: invalid header\nResponse Status: 400/,
    );
    assert.match(
      await status("tar.gz", Buffer.from("not packed")),
      /Invalid Tar File: it cannot be unpacked\nResponse Status: 400/,
    );
    assert.match(await status("tar.bz2", Buffer.from("not packed")), /Response Status: 400/);
    assert.match(await status("tar", makeTar([])), /No Valid Files/);
    const cut = makeTar([
      { name: "whole", body: "1" },
      { name: "cut", body: "2".repeat(2000) },
    ]).subarray(0, 2048);
    assert.match(
      await status("tar", cut),
      /Number Files Created: 1\n.*\nResponse Status: 400 Bad Request\nErrors:\none\/cut, 400/,
    );
    assert.equal((await swift.as("GET", "/one/cut")).status, 404);
    assert.equal((await extract("", "zip", Buffer.from("x"))).status, 400);
    const dots = await extract(
      "/one",
      "tar",
      makeTar([
        { name: "../../etc/passwd", body: "root" },
        { name: "fine", body: "1" },
      ]),
    );
    assert.match(
      dots.text,
      /Number Files Created: 1\n.*\nResponse Status: 400 Bad Request\nErrors:\none\/\.\.\/\.\.\/etc\/passwd, 400 Bad Request/,
    );
    const stranger = swift.tokenFor();
    const refused = await swift.raw("PUT", `${swift.account}?extract-archive=tar`, {
      token: stranger,
      body: makeTar([{ name: "a/b", body: "1" }]),
    });
    assert.match(refused.text, /Number Files Created: 0/);
  });

  it("a list of names is deleted, objects before containers", async () => {
    for (const name of ["a", "b", "été"]) await swift.as("PUT", `/two/${encodeURIComponent(name)}`, { body: "x" });
    const body = "two/\n/two/a\ntwo/b\ntwo/b\ntwo/%C3%A9t%C3%A9\n\ntwo/c\none/none\n";
    const done = await swift.as("DELETE", "?bulk-delete", { body });
    assert.equal(done.status, 200);
    assert.equal(
      done.text,
      "Number Deleted: 5\nNumber Not Found: 2\nResponse Body: \nResponse Status: 200 OK\nErrors:\n",
    );
    assert.equal((await swift.as("HEAD", "/two")).status, 404);
    const full = await swift.as("POST", "?bulk-delete", {
      body: "one\n%ff\n",
      headers: { Accept: "application/json", "Content-Type": "text/plain" },
    });
    assert.deepEqual(JSON.parse(full.text), {
      "Response Status": "400 Bad Request",
      "Response Body": "",
      "Number Deleted": 0,
      "Number Not Found": 0,
      Errors: [
        ["one", "409 Conflict"],
        ["%25ff", "412 Precondition Failed"],
      ],
    });
    const xml = await swift.as("POST", "?bulk-delete", { body: "one/none", headers: { Accept: "application/xml" } });
    assert.match(xml.text, /^<delete>\n<number_deleted>0<\/number_deleted>\n<number_not_found>1</);
    assert.match((await swift.as("POST", "?bulk-delete", { body: "" })).text, /Invalid bulk delete/);
    assert.equal((await swift.as("POST", "?bulk-delete", { body: "a\n".repeat(10_001) })).status, 413);
    const stranger = swift.tokenFor();
    const refused = await swift.raw("POST", `${swift.account}?bulk-delete`, { token: stranger, body: "one/a.txt" });
    assert.match(refused.text, /one\/a\.txt, 403 Forbidden/);
    assert.equal((await swift.as("GET", "/one/a.txt")).status, 200);
  });

  it("nobody does any of it without a token", async () => {
    assert.equal((await swift.raw("POST", `${swift.account}?bulk-delete`, { body: "one/a.txt" })).status, 401);
    const tar = makeTar([{ name: "one/new", body: "1" }]);
    assert.equal((await swift.raw("PUT", `${swift.account}?extract-archive=tar`, { body: tar })).status, 401);
    assert.equal((await swift.as("GET", "/one/new")).status, 404);
  });
});
