import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { after, before, describe, it } from "node:test";

import { type TestSwift, startSwift } from "./testing/start-swift.ts";

const md5 = (text: string | Buffer): string => hash("md5", text);

describe("swift: accounts, containers, objects", () => {
  let swift: TestSwift;
  before(async () => {
    swift = await startSwift();
  });
  after(() => swift.stop());

  it("an account that was never used is empty, and shows what Swift shows", async () => {
    const answer = await swift.as("GET", "");
    assert.equal(answer.status, 204);
    assert.match(String(answer.headers["x-trans-id"]), /^tx[0-9a-f]{21}-[0-9a-f]{10}/);
    assert.match(String(answer.headers["x-timestamp"]), /^\d+\.?\d*$/);
    assert.equal(answer.headers["x-account-container-count"], "0");
    assert.equal(answer.headers["x-account-object-count"], "0");
    assert.equal(answer.headers["x-account-bytes-used"], "0");
    assert.equal(answer.headers["content-type"], "text/plain; charset=utf-8");
    assert.equal((await swift.as("HEAD", "")).status, 204);
    assert.equal((await swift.as("GET", "?format=json")).text, "[]");
  });

  it("nobody without a token, nor with another project's, learns of an account", async () => {
    const anonymous = await swift.raw("GET", swift.account);
    assert.equal(anonymous.status, 401);
    assert.equal(anonymous.headers["www-authenticate"], `Swift realm="AUTH_${swift.projectId}"`);
    assert.equal((await swift.raw("GET", swift.account, { token: "nonsense" })).status, 401);
    const stranger = swift.tokenFor();
    for (const path of ["", "/c", "/c/o"])
      assert.equal((await swift.raw("GET", swift.account + path, { token: stranger })).status, 403);
    assert.equal((await swift.raw("PUT", `${swift.account}/c`, { token: stranger })).status, 403);
    const operator = swift.tokenFor({ projectId: swift.projectId, directory: "operator", roles: ["admin"] });
    assert.equal((await swift.raw("GET", swift.account, { token: operator })).status, 401, "unknown at this door");
    assert.equal((await swift.raw("GET", "/v1/OTHER_x", { token: stranger })).status, 403);
  });

  it("a reader reads, and changes nothing", async () => {
    const reader = swift.tokenFor({ projectId: swift.projectId, roles: ["reader"] });
    await swift.as("PUT", "/readable");
    assert.equal((await swift.raw("GET", `${swift.account}/readable`, { token: reader })).status, 204);
    assert.equal((await swift.raw("PUT", `${swift.account}/readable/o`, { token: reader, body: "x" })).status, 403);
    assert.equal((await swift.raw("POST", swift.account, { token: reader })).status, 403);
    await swift.as("DELETE", "/readable");
  });

  it("account metadata is set, shown, and taken away", async () => {
    const set = await swift.as("POST", "", {
      headers: { "X-Account-Meta-Fruit": "p%C3%AAche", "X-Account-Meta-Two": "2" },
    });
    assert.equal(set.status, 204);
    let shown = (await swift.as("HEAD", "")).headers;
    assert.equal(shown["x-account-meta-fruit"], "p%C3%AAche");
    await swift.as("POST", "", { headers: { "X-Account-Meta-Two": "", "X-Remove-Account-Meta-Fruit": "x" } });
    shown = (await swift.as("HEAD", "")).headers;
    assert.equal(shown["x-account-meta-two"], undefined);
    assert.equal(shown["x-account-meta-fruit"], undefined);
  });

  it("the account's quota is the reseller's to set", async () => {
    for (const value of ["10", ""]) {
      const own = await swift.as("POST", "", { headers: { "X-Account-Meta-Quota-Bytes": value } });
      assert.equal(own.status, 403);
    }
    const { reseller: token, account } = swift;
    assert.equal(
      (await swift.raw("POST", account, { token, headers: { "X-Account-Meta-Quota-Bytes": "x" } })).status,
      400,
    );
    assert.equal(
      (await swift.raw("POST", account, { token, headers: { "X-Account-Meta-Quota-Bytes": "10" } })).status,
      204,
    );
    await swift.as("PUT", "/quota");
    assert.equal((await swift.as("PUT", "/quota/small", { body: "123456" })).status, 201);
    assert.equal((await swift.as("PUT", "/quota/more", { body: "123456" })).status, 413);
    assert.equal((await swift.as("GET", "/quota/more")).status, 404);
    assert.equal((await swift.as("HEAD", "")).headers["x-account-meta-quota-bytes"], "10");
    await swift.raw("POST", account, { token, headers: { "X-Remove-Account-Meta-Quota-Bytes": "x" } });
    assert.equal((await swift.as("PUT", "/quota/more", { body: "123456" })).status, 201);
    await swift.as("DELETE", "/quota/small");
    await swift.as("DELETE", "/quota/more");
    assert.equal((await swift.as("DELETE", "/quota")).status, 204);
    assert.equal((await swift.raw("GET", "/v1/AUTH_nobody", { token })).status, 404);
  });

  it("containers are made, made again, described and removed", async () => {
    assert.equal((await swift.as("PUT", "/c1", { headers: { "X-Container-Meta-A": "1" } })).status, 201);
    assert.equal((await swift.as("PUT", "/c1", { headers: { "X-Container-Meta-B": "2" } })).status, 202);
    const head = await swift.as("HEAD", "/c1");
    assert.equal(head.status, 204);
    assert.equal(head.headers["x-container-meta-a"], "1");
    assert.equal(head.headers["x-container-meta-b"], "2");
    assert.equal(head.headers["x-storage-policy"], "Standard");
    assert.equal(head.headers["x-container-object-count"], "0");
    await swift.as("POST", "/c1", { headers: { "X-Remove-Container-Meta-A": "x", "X-Container-Meta-B": "" } });
    const changed = (await swift.as("HEAD", "/c1")).headers;
    assert.equal(changed["x-container-meta-a"] ?? changed["x-container-meta-b"], undefined);
    assert.equal((await swift.as("PUT", "/c1/o", { body: "x" })).status, 201);
    assert.equal((await swift.as("DELETE", "/c1")).status, 409);
    await swift.as("DELETE", "/c1/o");
    assert.equal((await swift.as("DELETE", "/c1")).status, 204);
    assert.equal((await swift.as("DELETE", "/c1")).status, 404);
    assert.equal((await swift.as("GET", "/c1")).status, 404);
    assert.equal((await swift.as("PUT", "/c1", { headers: { "X-Storage-Policy": "gold" } })).status, 400);
    assert.equal((await swift.as("PUT", `/${"a".repeat(257)}`)).status, 400);
  });

  it("names are any text, and what is no text is refused", async () => {
    const odd = encodeURIComponent(`été "x" '&<>% 日本`);
    assert.equal((await swift.as("PUT", `/${odd}`)).status, 201);
    assert.equal((await swift.as("PUT", `/${odd}/a%2Fb%3F`, { body: "y" })).status, 201);
    assert.equal((await swift.as("GET", `/${odd}/a/b%3F`)).text, "y");
    const listed = JSON.parse((await swift.as("GET", "?format=json")).text) as {
      name: string;
      count: number;
      bytes: number;
    }[];
    const found = listed.find(({ name }) => name === decodeURIComponent(odd));
    assert.deepEqual([found?.count, found?.bytes], [1, 1]);
    assert.match(
      (await swift.as("GET", "?format=xml")).text,
      /<name>été &quot;x&quot; &#x27;&amp;&lt;&gt;% 日本<\/name>/,
    );
    assert.equal((await swift.as("GET", "/%ff")).status, 412);
    assert.equal((await swift.as("GET", "/a%00b")).status, 412);
    assert.equal((await swift.as("GET", "/c?prefix=%ff")).status, 400);
    assert.equal((await swift.as("PUT", `/${odd}/${"x".repeat(1025)}`, { body: "" })).status, 400);
    assert.equal((await swift.as("PUT", `/${odd}/${"x".repeat(1024)}`, { body: "" })).status, 201);
    await swift.as("DELETE", `/${odd}/${"x".repeat(1024)}`);
    await swift.as("DELETE", `/${odd}/a/b%3F`);
    assert.equal((await swift.as("DELETE", `/${odd}`)).status, 204);
  });

  it("an object comes back as it was put", async () => {
    await swift.as("PUT", "/o");
    const put = await swift.as("PUT", "/o/fruit.txt", {
      body: "pomme",
      headers: { "X-Object-Meta-Kind": "golden", "Content-Disposition": "inline", ETag: md5("pomme") },
    });
    assert.equal(put.status, 201);
    assert.equal(put.headers["etag"], md5("pomme"));
    assert.equal(put.headers["content-length"], "0");
    const got = await swift.as("GET", "/o/fruit.txt");
    assert.equal(got.text, "pomme");
    assert.equal(got.headers["content-type"], "text/plain");
    assert.equal(got.headers["x-object-meta-kind"], "golden");
    assert.equal(got.headers["content-disposition"], "inline");
    assert.equal(got.headers["etag"], md5("pomme"));
    assert.equal(got.headers["accept-ranges"], "bytes");
    assert.equal(got.headers["last-modified"], put.headers["last-modified"]);
    const head = await swift.as("HEAD", "/o/fruit.txt");
    assert.deepEqual([head.status, head.headers["content-length"], head.text], [200, "5", ""]);
    assert.equal((await swift.as("PUT", "/o/fruit.txt", { body: "poire", headers: { ETag: md5("x") } })).status, 422);
    assert.equal((await swift.as("GET", "/o/fruit.txt")).text, "pomme", "what was refused changed nothing");
    assert.equal((await swift.as("PUT", "/o/fruit.txt", { body: "x", headers: { "If-None-Match": "*" } })).status, 412);
    assert.equal(
      (await swift.as("PUT", "/o/fruit.txt", { body: "x", headers: { "If-None-Match": "abc" } })).status,
      400,
    );
    assert.equal((await swift.as("PUT", "/nowhere/x", { body: "x" })).status, 404);
    assert.equal((await swift.as("PUT", "/o/chunks", { body: "in chunks", chunked: true })).status, 201);
    assert.equal((await swift.as("GET", "/o/chunks")).text, "in chunks");
  });

  it("ranges and conditions", async () => {
    await swift.as("PUT", "/r");
    await swift.as("PUT", "/r/o", { body: "0123456789" });
    const get = (headers: { [name: string]: string }) => swift.as("GET", "/r/o", { headers });
    const part = await get({ Range: "bytes=2-4" });
    assert.deepEqual([part.status, part.text, part.headers["content-range"]], [206, "234", "bytes 2-4/10"]);
    assert.equal((await get({ Range: "bytes=-3" })).text, "789");
    assert.equal((await get({ Range: "bytes=8-" })).text, "89");
    const beyond = await get({ Range: "bytes=10-" });
    assert.deepEqual([beyond.status, beyond.headers["content-range"]], [416, "bytes */10"]);
    assert.equal((await get({ Range: "lines=1-2" })).status, 200);
    const many = await get({ Range: "bytes=0-1,4-5" });
    const [, boundary = ""] = /^multipart\/byteranges;boundary=(\w+)$/.exec(many.headers["content-type"] ?? "") ?? [];
    const type = "Content-Type: application/octet-stream\r\n";
    assert.equal(
      many.text,
      `--${boundary}\r\n${type}Content-Range: bytes 0-1/10\r\n\r\n01\r\n--${boundary}\r\n${type}Content-Range: bytes 4-5/10\r\n\r\n45\r\n--${boundary}--`,
    );
    assert.equal(many.headers["content-length"], String(many.text.length));
    const etag = md5("0123456789");
    const same = await get({ "If-None-Match": `"${etag}"` });
    assert.deepEqual([same.status, same.text], [304, ""]);
    assert.ok(same.headers["date"]);
    assert.equal((await get({ "If-Match": "other" })).status, 412);
    assert.equal((await get({ "If-Modified-Since": part.headers["last-modified"] ?? "" })).status, 304);
    assert.equal((await get({ "If-Unmodified-Since": "Mon, 01 Jan 2001 00:00:00 GMT" })).status, 412);
    assert.equal((await get({ "If-Range": "other", Range: "bytes=0-1" })).status, 200);
    assert.equal((await swift.as("HEAD", "/r/o", { headers: { "If-None-Match": etag } })).status, 304);
  });

  it("POST replaces what is beside the bytes", async () => {
    await swift.as("PUT", "/p");
    await swift.as("PUT", "/p/o", { body: "x", headers: { "X-Object-Meta-A": "1", "Content-Encoding": "x-none" } });
    assert.equal(
      (await swift.as("POST", "/p/o", { headers: { "X-Object-Meta-B": "2", "X-Delete-After": "1000" } })).status,
      202,
    );
    const { headers } = await swift.as("HEAD", "/p/o");
    assert.equal(headers["x-object-meta-a"] ?? headers["content-encoding"], undefined);
    assert.equal(headers["x-object-meta-b"], "2");
    assert.ok(Number(headers["x-delete-at"]) > Date.now() / 1000 + 900);
    assert.equal((await swift.as("POST", "/p/none")).status, 404);
    assert.equal((await swift.as("POST", "/p/o", { headers: { "X-Delete-At": "1" } })).status, 400);
    assert.equal((await swift.as("POST", "/p/o", { headers: { "X-Delete-At": "soon" } })).status, 400);
    assert.equal(
      (await swift.as("POST", "/p/o", { headers: { [`X-Object-Meta-${"n".repeat(129)}`]: "" } })).status,
      400,
    );
    assert.equal((await swift.as("POST", "/p/o", { headers: { "X-Object-Meta-A": "v".repeat(257) } })).status, 400);
    const many = Object.fromEntries(Array.from({ length: 91 }, (_, index) => [`X-Object-Meta-N${index}`, "v"]));
    assert.equal((await swift.as("POST", "/p/o", { headers: many })).status, 400);
    assert.equal((await swift.as("HEAD", "/p/o")).headers["x-object-meta-b"], "2");
  });

  it("COPY, and PUT with X-Copy-From", async () => {
    await swift.as("PUT", "/from");
    await swift.as("PUT", "/to");
    const big = Buffer.alloc(300_000, "0123456789");
    await swift.as("PUT", "/from/o", { body: big, headers: { "X-Object-Meta-A": "1", "Content-Type": "text/x-a" } });
    const copied = await swift.as("COPY", "/from/o", { headers: { Destination: "to/o2", "X-Object-Meta-B": "2" } });
    assert.equal(copied.status, 201);
    assert.equal(copied.headers["x-copied-from"], "from/o");
    assert.ok(copied.headers["x-copied-from-last-modified"]);
    const got = await swift.as("GET", "/to/o2");
    assert.ok(got.body.equals(big));
    assert.deepEqual([got.headers["x-object-meta-a"], got.headers["x-object-meta-b"]], ["1", "2"]);
    assert.equal(got.headers["content-type"], "text/x-a");
    const self = await swift.as("PUT", "/from/o", {
      headers: { "X-Copy-From": "from/o", "Content-Type": "text/plain; charset=UTF-8", "X-Fresh-Metadata": "true" },
    });
    assert.equal(self.status, 201);
    const again = await swift.as("HEAD", "/from/o");
    assert.equal(again.headers["content-type"], "text/plain; charset=UTF-8");
    assert.equal(again.headers["x-object-meta-a"], undefined);
    assert.equal(again.headers["etag"], md5(big));
    const part = await swift.as("COPY", "/from/o", { headers: { Destination: "/to/part", Range: "bytes=1-3" } });
    assert.equal(part.status, 201);
    assert.equal((await swift.as("GET", "/to/part")).text, "123");
    assert.equal((await swift.as("COPY", "/from/o")).status, 412);
    assert.equal((await swift.as("COPY", "/from/o", { headers: { Destination: "nowhere/o" } })).status, 404);
    assert.equal((await swift.as("COPY", "/from/none", { headers: { Destination: "to/o" } })).status, 404);
    assert.equal((await swift.as("PUT", "/to/x", { body: "b", headers: { "X-Copy-From": "from/o" } })).status, 400);
  });

  it("what has expired is gone at once", async () => {
    const manual = await startSwift({ time: "manual" });
    try {
      await manual.as("PUT", "/e");
      await manual.as("PUT", "/e/o", { body: "x", headers: { "X-Delete-After": "5" } });
      assert.equal((await manual.as("GET", "/e/o")).status, 200);
      manual.clock.advance(6_000);
      for (const method of ["GET", "HEAD", "POST"]) assert.equal((await manual.as(method, "/e/o")).status, 404);
    } finally {
      await manual.stop();
    }
  });

  it("a container's quotas hold", async () => {
    await swift.as("PUT", "/q", {
      headers: { "X-Container-Meta-Quota-Bytes": "10", "X-Container-Meta-Quota-Count": "2" },
    });
    assert.equal((await swift.as("PUT", "/q/a", { body: "12345678901" })).status, 413);
    assert.equal((await swift.as("PUT", "/q/a", { body: "1234" })).status, 201);
    assert.equal((await swift.as("PUT", "/q/b", { body: "1" })).status, 201);
    assert.equal((await swift.as("PUT", "/q/c", { body: "1" })).status, 413);
    const { headers } = await swift.as("HEAD", "/q");
    assert.deepEqual([headers["x-container-object-count"], headers["x-container-bytes-used"]], ["2", "5"]);
    assert.equal(headers["x-container-meta-quota-bytes"], "10");
    assert.equal((await swift.as("POST", "/q", { headers: { "X-Container-Meta-Quota-Bytes": "many" } })).status, 400);
  });

  it("listings", async () => {
    await swift.as("PUT", "/l");
    for (const name of ["a", "b/", "b/1", "b/2", "b/c/3", "d"]) await swift.as("PUT", `/l/${name}`, { body: name });
    const list = async (query: string): Promise<string> =>
      (await swift.as("GET", `/l${query}`)).text.trim().replaceAll("\n", " ");
    assert.equal(await list(""), "a b/ b/1 b/2 b/c/3 d");
    assert.equal(await list("?delimiter=/"), "a b/ d");
    assert.equal(await list("?delimiter=/&prefix=b/"), "b/ b/1 b/2 b/c/");
    assert.equal(await list("?path=b"), "b/1 b/2");
    assert.equal(await list("?path="), "a b/ d");
    assert.equal(await list("?marker=b/1"), "b/2 b/c/3 d");
    assert.equal(await list("?end_marker=b/1"), "a b/");
    assert.equal(await list("?limit=2"), "a b/");
    assert.equal(await list("?limit=2&marker=a&end_marker=d"), "b/ b/1");
    assert.equal(await list("?reverse=true"), "d b/c/3 b/2 b/1 b/ a");
    assert.equal(await list("?delimiter=/&marker=b/"), "d");
    assert.equal(await list("?prefix=none"), "");
    assert.equal((await swift.as("GET", "/l?prefix=none")).status, 204);
    assert.equal((await swift.as("GET", "/l?limit=10001")).status, 412);
    const [first, second] = JSON.parse((await swift.as("GET", "/l?format=json&delimiter=/")).text) as {
      [name: string]: unknown;
    }[];
    assert.deepEqual(
      { ...first, last_modified: "" },
      { bytes: 1, content_type: "application/octet-stream", hash: md5("a"), last_modified: "", name: "a" },
    );
    assert.match(String(first?.["last_modified"]), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/);
    assert.deepEqual(second, { subdir: "b/" });
    const xml = await swift.as("GET", "/l?delimiter=/", {
      headers: { Accept: "application/xml;q=0.9, text/plain;q=0.1" },
    });
    assert.equal(xml.headers["content-type"], "application/xml; charset=utf-8");
    assert.match(xml.text, /<container name="l"><object><name>a<\/name>/);
    assert.match(xml.text, /<subdir name="b\/"><name>b\/<\/name><\/subdir>/);
    assert.equal((await swift.as("GET", "/l", { headers: { Accept: "image/png" } })).status, 406);
  });

  it("what is not there, and verbs that there are not", async () => {
    assert.equal((await swift.as("PUT", "")).status, 405);
    assert.equal((await swift.as("DELETE", "")).status, 405);
    assert.equal((await swift.raw("GET", "/v1/")).status, 412);
    assert.equal((await swift.raw("GET", `${swift.account}//o`, { token: swift.token })).status, 412);
    assert.equal((await swift.raw("GET", "/healthcheck")).text, "OK");
    const info = JSON.parse((await swift.raw("GET", "/info")).text) as { [name: string]: unknown };
    for (const name of ["account_quotas", "bulk_upload", "bulk_delete", "container_quotas", "slo", "tempurl"])
      assert.ok(name in info);
    assert.equal((await swift.raw("GET", "/info?swiftinfo_sig=x&swiftinfo_expires=1")).status, 403);
    assert.equal((await swift.as("DELETE", "/l/none")).status, 404);
  });
});
