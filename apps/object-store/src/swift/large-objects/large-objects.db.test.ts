import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { after, before, describe, it } from "node:test";

import { type TestSwift, startSwift } from "../testing/start-swift.ts";

const md5 = (text: string | Buffer): string => hash("md5", text);

describe("swift: large objects and links", () => {
  let swift: TestSwift;
  const put = (path: string, segments: unknown, headers: { [name: string]: string } = {}) =>
    swift.as("PUT", `${path}${path.includes("?") ? "&" : "?"}multipart-manifest=put`, {
      body: JSON.stringify(segments),
      headers,
    });
  before(async () => {
    swift = await startSwift();
    for (const name of ["/c", "/s", "/s2"]) await swift.as("PUT", name);
    await swift.as("PUT", "/s/1", { body: "aaaaa" });
    await swift.as("PUT", "/s/2", { body: "bbbbb" });
  });
  after(() => swift.stop());

  it("a static one is put, read in whole and in part, and shown as what it adds up to", async () => {
    const made = await put("/c/slo", [
      { path: "/s/1", etag: md5("aaaaa"), size_bytes: 5 },
      { path: "s/2", range: "1-2" },
      { data: Buffer.from("ccc").toString("base64") },
    ]);
    assert.equal(made.status, 201);
    const etag = md5(`${md5("aaaaa")}${md5("bbbbb")}:1-2;${md5("ccc")}`);
    assert.equal(made.headers["etag"], `"${etag}"`);
    const got = await swift.as("GET", "/c/slo");
    assert.deepEqual([got.status, got.text], [200, "aaaaabbccc"]);
    assert.equal(got.headers["etag"], `"${etag}"`);
    assert.equal(got.headers["x-static-large-object"], "True");
    assert.equal(got.headers["content-length"], "10");
    const part = await swift.as("GET", "/c/slo", { headers: { Range: "bytes=4-7" } });
    assert.deepEqual([part.status, part.text, part.headers["content-range"]], [206, "abbc", "bytes 4-7/10"]);
    const head = await swift.as("HEAD", "/c/slo");
    assert.deepEqual([head.status, head.headers["content-length"]], [200, "10"]);
    assert.equal((await swift.as("GET", "/c/slo", { headers: { "If-None-Match": etag } })).status, 304);
    const [listed] = JSON.parse((await swift.as("GET", "/c?format=json")).text) as { [name: string]: unknown }[];
    assert.deepEqual([listed?.["bytes"], listed?.["slo_etag"]], [10, `"${etag}"`]);
  });

  it("its manifest can be had, as kept and as it could be put again", async () => {
    const kept = await swift.as("GET", "/c/slo?multipart-manifest=get");
    assert.equal(kept.headers["content-type"], "application/json; charset=utf-8");
    assert.equal(kept.headers["etag"], md5(kept.body));
    const [first] = JSON.parse(kept.text) as { [name: string]: unknown }[];
    assert.deepEqual([first?.["name"], first?.["bytes"], first?.["hash"]], ["/s/1", 5, md5("aaaaa")]);
    const raw = await swift.as("GET", "/c/slo?multipart-manifest=get&format=raw");
    assert.deepEqual(JSON.parse(raw.text), [
      { etag: md5("aaaaa"), path: "/s/1", size_bytes: 5 },
      { etag: md5("bbbbb"), path: "/s/2", range: "1-2", size_bytes: 5 },
      { data: Buffer.from("ccc").toString("base64") },
    ]);
    assert.equal((await put("/c/again", JSON.parse(raw.text))).status, 201);
    assert.equal((await swift.as("GET", "/c/again")).text, "aaaaabbccc");
  });

  it("one in another, copied, and with what was written over since", async () => {
    assert.equal((await put("/c/outer", [{ path: "/c/slo" }, { path: "/s/1" }])).status, 201);
    assert.equal((await swift.as("GET", "/c/outer")).text, "aaaaabbcccaaaaa");
    assert.equal((await swift.as("GET", "/c/outer", { headers: { Range: "bytes=6-11" } })).text, "bcccaa");
    assert.equal((await swift.as("COPY", "/c/outer", { headers: { Destination: "c/flat" } })).status, 201);
    const flat = await swift.as("GET", "/c/flat");
    assert.deepEqual([flat.text, flat.headers["x-static-large-object"]], ["aaaaabbcccaaaaa", undefined]);
    assert.equal(
      (await swift.as("COPY", "/c/outer?multipart-manifest=get", { headers: { Destination: "c/o2" } })).status,
      201,
    );
    assert.equal((await swift.as("HEAD", "/c/o2")).headers["x-static-large-object"], "True");
    await swift.as("PUT", "/s2/x", { body: "xxxxx" });
    await put("/c/broken", [{ path: "/s2/x" }]);
    await swift.as("PUT", "/s2/x", { body: "yyyyy" });
    assert.equal((await swift.as("GET", "/c/broken")).status, 409);
    assert.equal((await swift.as("HEAD", "/c/broken")).status, 200);
    await swift.as("DELETE", "/s2/x");
    assert.equal((await swift.as("GET", "/c/broken")).status, 409);
    await swift.as("DELETE", "/c/broken");
  });

  it("manifests that are wrong say where", async () => {
    assert.equal((await swift.as("PUT", "/c/bad?multipart-manifest=put", { body: "{" })).status, 400);
    const wrong = await put("/c/bad", [
      { path: "/s/1", size_bytes: 4 },
      { path: "/s/1", etag: "x" },
      { path: "/s/none" },
    ]);
    assert.equal(wrong.status, 400);
    assert.equal(wrong.text, "Errors:\n/s/1, Size Mismatch\n/s/1, Etag Mismatch\n/s/none, 404 Not Found\n");
    const json = await put("/c/bad", [{ path: "/s/none" }], { Accept: "application/json" });
    assert.deepEqual(JSON.parse(json.text), { Errors: [["/s/none", "404 Not Found"]] });
    assert.equal((await put("/c/bad", [{ path: "/s/1" }], { ETag: "0".repeat(32) })).status, 422);
    const self = await put("/c/bad", [{ path: "/c/bad" }]);
    assert.match(self.text, /Index 0: manifest must not include itself/);
    const shapes = await put("/c/bad", [{ path: "x" }, 3, { data: "!" }, { path: "/s/1", colour: 1 }]);
    assert.equal(shapes.text.split("\n").length, 5);
    assert.equal((await swift.as("GET", "/c/bad")).status, 404);
    assert.equal(
      (await swift.as("PUT", "/c/bad", { body: "x", headers: { "X-Static-Large-Object": "True" } })).status,
      400,
    );
    const beat = await put("/c/beat?heartbeat=on", [{ path: "/s/1" }]);
    assert.deepEqual([beat.status, /Response Status: 201 Created/.test(beat.text)], [202, true]);
  });

  it("is deleted with its segments", async () => {
    await swift.as("PUT", "/s2/a", { body: "a" });
    await swift.as("PUT", "/s2/b", { body: "b" });
    await put("/s2/inner", [{ path: "/s2/b" }]);
    await put("/c/doomed", [{ path: "/s2/a" }, { path: "/s2/inner" }]);
    const gone = await swift.as("DELETE", "/c/doomed?multipart-manifest=delete");
    assert.equal(gone.status, 200);
    assert.equal(
      gone.text,
      "Number Deleted: 4\nNumber Not Found: 0\nResponse Body: \nResponse Status: 200 OK\nErrors:\n",
    );
    assert.equal((await swift.as("GET", "/s2")).text, "");
    const plain = await swift.as("DELETE", "/s/1?multipart-manifest=delete", {
      headers: { Accept: "application/json" },
    });
    assert.deepEqual(JSON.parse(plain.text)["Errors"], [["s/1", "Not an SLO manifest"]]);
    assert.equal((await swift.as("GET", "/s/1")).status, 200);
  });

  it("a dynamic one is all that begins so", async () => {
    for (const [index, body] of ["one", "two", "three"].entries()) await swift.as("PUT", `/s2/dlo/${index}`, { body });
    const made = await swift.as("PUT", "/c/dlo", {
      headers: { "X-Object-Manifest": "s2/dlo/", "Content-Type": "text/x" },
    });
    assert.equal(made.status, 201);
    const got = await swift.as("GET", "/c/dlo");
    assert.deepEqual([got.text, got.headers["content-length"]], ["onetwothree", "11"]);
    assert.equal(got.headers["etag"], `"${md5(md5("one") + md5("two") + md5("three"))}"`);
    assert.equal(got.headers["x-object-manifest"], "s2/dlo/");
    assert.equal((await swift.as("GET", "/c/dlo", { headers: { Range: "bytes=2-6" } })).text, "etwot");
    assert.equal((await swift.as("GET", "/c/dlo", { headers: { Range: "bytes=11-" } })).status, 416);
    assert.equal((await swift.as("GET", "/c/dlo?multipart-manifest=get")).text, "");
    assert.equal((await swift.as("PUT", "/c/bad", { headers: { "X-Object-Manifest": "s2" } })).status, 400);
    await swift.as("PUT", "/c/later", { body: "zero" });
    assert.equal((await swift.as("POST", "/c/later", { headers: { "X-Object-Manifest": "s2/dlo/" } })).status, 202);
    assert.equal((await swift.as("GET", "/c/later")).text, "onetwothree");
    await swift.as("POST", "/c/later");
    assert.equal((await swift.as("GET", "/c/later")).text, "zero");
    assert.equal((await put("/c/both", [{ path: "/c/dlo" }])).status, 201);
    assert.equal((await swift.as("GET", "/c/both")).text, "onetwothree");
  });

  it("links are followed, or looked at", async () => {
    await swift.as("PUT", "/s/target", { body: "here", headers: { "Content-Type": "text/here" } });
    const link = (path: string, target: string, more: { [name: string]: string } = {}) =>
      swift.as("PUT", path, { headers: { "X-Symlink-Target": target, ...more } });
    assert.equal((await link("/c/soft", "s/target")).status, 201);
    const got = await swift.as("GET", "/c/soft");
    assert.deepEqual([got.text, got.headers["content-type"]], ["here", "text/here"]);
    assert.equal(got.headers["content-location"], `${swift.account}/s/target`);
    const itself = await swift.as("HEAD", "/c/soft?symlink=get");
    assert.deepEqual([itself.headers["x-symlink-target"], itself.headers["content-length"]], ["s/target", "0"]);
    assert.equal(itself.headers["content-type"], "application/symlink");
    assert.equal((await link("/c/static", "s/target", { "X-Symlink-Target-Etag": "0".repeat(32) })).status, 409);
    assert.equal((await link("/c/static", "s/target", { "X-Symlink-Target-Etag": md5("here") })).status, 201);
    assert.equal((await link("/c/static", "s/none", { "X-Symlink-Target-Etag": md5("here") })).status, 409);
    assert.equal((await swift.as("GET", "/c/static")).text, "here");
    await swift.as("PUT", "/s/target", { body: "there" });
    assert.equal((await swift.as("GET", "/c/static")).status, 409);
    assert.equal((await swift.as("GET", "/c/soft")).text, "there");
    await link("/c/two", "c/soft");
    await link("/c/three", "c/two");
    assert.equal((await swift.as("GET", "/c/two")).text, "there");
    assert.equal((await swift.as("GET", "/c/three")).status, 409, "too many levels");
    assert.equal((await link("/c/self", "c/self")).status, 400);
    assert.equal((await link("/c/odd", "c")).status, 412);
    const posted = await swift.as("POST", "/c/soft", { headers: { "X-Object-Meta-A": "1" } });
    assert.deepEqual([posted.status, posted.headers["location"]], [307, `${swift.account}/s/target`]);
    assert.equal((await swift.as("DELETE", "/c/soft")).status, 204);
    assert.equal((await swift.as("GET", "/s/target")).status, 200);
    assert.equal((await swift.as("GET", "/c/two")).status, 404);
  });
});
