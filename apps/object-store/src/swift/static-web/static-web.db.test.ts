import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, describe, it } from "node:test";

import { type TestSwift, startSwift } from "../testing/start-swift.ts";

describe("swift: a container as a web site", () => {
  let swift: TestSwift;
  before(async () => {
    swift = await startSwift();
    await swift.as("PUT", "/w", { headers: { "X-Container-Read": ".r:*,.rlistings" } });
    const put = (name: string, body: string, type = "text/html") =>
      swift.as("PUT", `/w/${name}`, { body, headers: { "Content-Type": type } });
    await put("index.html", "front");
    await put("sub/index.html", "below");
    await put("files/a%3Cb%3E.txt", "file", "text/plain");
    await put("files/more/c", "c");
    await put("404error.html", "nothing here");
    await put("dir", "", "application/directory");
    await put("dir/index.html", "of the directory");
  });
  after(() => swift.stop());
  const get = (path: string, headers: { [name: string]: string } = {}) =>
    swift.raw("GET", swift.account + path, { headers });
  const set = (headers: { [name: string]: string }) => swift.as("POST", "/w", { headers });

  it("is none until it is said to be one", async () => {
    assert.match((await get("/w")).text, /^404error\.html\n/);
    assert.equal((await get("/w/sub")).status, 404);
  });

  it("has index pages", async () => {
    await set({ "X-Container-Meta-Web-Index": "index.html" });
    const bare = await get("/w");
    assert.deepEqual([bare.status, bare.headers["location"]], [301, `${swift.account}/w/`]);
    assert.equal((await get("/w/")).text, "front");
    assert.equal((await get("/w/sub")).headers["location"], `${swift.account}/w/sub/`);
    assert.equal((await get("/w/sub/")).text, "below");
    assert.equal((await get("/w/dir")).status, 301);
    assert.equal((await get("/w/dir/")).text, "of the directory");
    assert.equal((await get("/w/files")).status, 301, "there is something below it");
    assert.match((await get("/w/files/")).text, /Web Listing Disabled/);
    assert.match((await swift.as("GET", "/w/")).text, /^404error\.html\n/, "with a token it stays a container");
    assert.equal((await swift.as("GET", "/w/", { headers: { "X-Web-Mode": "true" } })).text, "front");
  });

  it("has error pages", async () => {
    await set({ "X-Container-Meta-Web-Error": "error.html" });
    const missing = await get("/w/none");
    assert.deepEqual(
      [missing.status, missing.text, missing.headers["content-type"]],
      [404, "nothing here", "text/html"],
    );
    assert.equal((await get("/w/files/")).text, "nothing here");
  });

  it("has listings", async () => {
    await set({ "X-Container-Meta-Web-Listings": "true", "X-Container-Meta-Web-Listings-CSS": "style.css" });
    const page = await get("/w/files/");
    assert.equal(page.status, 200);
    assert.equal(page.headers["content-type"], "text/html; charset=UTF-8");
    assert.match(page.text, /href="\.\.\/style\.css"/);
    assert.match(page.text, /<a href="\.\/a%3Cb%3E%2Etxt">a&lt;b&gt;\.txt<\/a><\/td><td class="colsize">4</);
    assert.match(page.text, /item subdir.*<a href="\.\/more\/">more\/<\/a>/);
    assert.match(page.text, /<a href="\.\.\/">\.\.\/<\/a>/);
    await set({ "X-Remove-Container-Meta-Web-Index": "x", "X-Container-Meta-Web-Listings-Label": "shop" });
    assert.match((await get("/w/")).text, /<title>Listing of shop\/<\/title>/);
    await set({ "X-Container-Read": ".r:*" });
    assert.equal((await get("/w/files/")).status, 401, "listings are not for everybody any more");
    assert.equal((await get("/w/files/more/c")).text, "c");
  });

  it("can be looked at with a signed URL", async () => {
    await set({ "X-Container-Meta-Temp-URL-Key": "k", "X-Remove-Container-Read": "x" });
    const expires = Math.floor(Date.now() / 1000) + 100;
    const signature = createHmac("sha256", "k").update(`GET\n${expires}\nprefix:${swift.account}/w/`).digest("hex");
    const query = `temp_url_prefix=&temp_url_expires=${expires}&temp_url_sig=${signature}`;
    const page = await get(`/w/?${query}`);
    assert.equal(page.status, 200);
    assert.equal(page.headers["content-disposition"], "inline");
    assert.equal(page.headers["x-page-made-here"], undefined);
    assert.ok(page.text.includes(`./index%2Ehtml?${query.replaceAll("&", "&amp;")}`));
    assert.equal((await get(`/w/index.html?${query}`)).text, "front");
    await set({ "X-Remove-Container-Meta-Web-Listings": "x" });
    assert.equal((await get(`/w/?${query}`)).status, 401, "no page: nothing to see");
  });
});
