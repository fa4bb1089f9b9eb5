import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, describe, it } from "node:test";

import { newHexId } from "@andromede/base/ids";
import { waitUntil } from "@andromede/base/waiting";

import { swiftFront } from "../front.ts";
import { bodyOf } from "../large-objects/manifest.ts";
import { type TestSwift, startSwift } from "../testing/start-swift.ts";
import { swiftClient } from "../testing/swift-client.ts";

describe("swift: who else may", () => {
  let swift: TestSwift;
  before(async () => {
    swift = await startSwift();
    await swift.as("PUT", "/c");
    await swift.as("PUT", "/c/o", {
      body: "shared",
      headers: { "X-Object-Meta-Own": "1", "X-Object-Meta-Public-A": "2" },
    });
  });
  after(() => swift.stop());
  const share = (headers: { [name: string]: string }) => swift.as("POST", "/c", { headers });

  it("those whom an ACL names, by id and, in the default domain, by name", async () => {
    const other = { projectId: newHexId(), projectName: "theirs", userName: "vera", userId: newHexId() };
    const token = swift.tokenFor(other);
    const elsewhere = swift.tokenFor({
      ...other,
      userDomainId: "else",
      projectDomainId: "else",
      projectId: newHexId(),
      userId: newHexId(),
    });
    const read = async (who = token): Promise<number> =>
      (await swift.raw("GET", `${swift.account}/c/o`, { token: who })).status;
    const write = async (): Promise<number> =>
      (await swift.raw("PUT", `${swift.account}/c/new`, { token, body: "x" })).status;
    assert.deepEqual([await read(), await write()], [403, 403]);
    await share({ "X-Container-Read": `${other.projectId}:${other.userId}` });
    assert.deepEqual([await read(), await write(), await read(elsewhere)], [200, 403, 403]);
    await share({ "X-Container-Read": "theirs:vera", "X-Container-Write": "*:vera" });
    assert.deepEqual([await read(), await write(), await read(elsewhere)], [200, 201, 403]);
    assert.equal((await swift.raw("GET", `${swift.account}/c`, { token })).status, 200);
    const head = await swift.raw("HEAD", `${swift.account}/c`, { token });
    assert.equal(head.headers["x-container-read"], undefined, "ACLs are the owner's to see");
    for (const method of ["PUT", "POST", "DELETE"])
      assert.equal((await swift.raw(method, `${swift.account}/c`, { token })).status, 403);
    assert.equal((await swift.raw("DELETE", `${swift.account}/c/new`, { token })).status, 204);
    await share({ "X-Remove-Container-Read": "x", "X-Remove-Container-Write": "x" });
    assert.deepEqual([await read(), await write()], [403, 403]);
  });

  it("a copy into one's own account needs leave to read, one into another's leave to write", async () => {
    const theirs = newHexId();
    const token = swift.tokenFor({ projectId: theirs });
    await swift.raw("PUT", `/v1/AUTH_${theirs}/mine`, { token });
    const copy = () =>
      swift.raw("PUT", `/v1/AUTH_${theirs}/mine/o`, {
        token,
        headers: { "X-Copy-From": "c/o", "X-Copy-From-Account": `AUTH_${swift.projectId}` },
      });
    assert.equal((await copy()).status, 403);
    await share({ "X-Container-Read": `${theirs}:*` });
    const copied = await copy();
    assert.deepEqual([copied.status, copied.headers["x-copied-from-account"]], [201, `AUTH_${swift.projectId}`]);
    const back = { Destination: "c/o2", "Destination-Account": `AUTH_${swift.projectId}` };
    assert.equal((await swift.raw("COPY", `/v1/AUTH_${theirs}/mine/o`, { token, headers: back })).status, 403);
    await share({ "X-Remove-Container-Read": "x" });
  });

  it("who is refused is written down, with or without a page behind it", async () => {
    const userId = newHexId();
    const token = swift.tokenFor({ userId });
    await swift.raw("GET", `${swift.account}/c/o`, { token });
    await swift.raw("GET", `${swift.account}/c/o`, { token, headers: { Origin: "http://a.example" } });
    const { db } = swift.store;
    const written = await waitUntil(
      "two refusals",
      async () => {
        const rows = await db<{ body: string }[]>`
          select body from event where user_id = ${userId} and action = 'object-store.request.refuse'`;
        return rows.length === 2 && rows;
      },
      { timeoutMs: 5_000 },
    );
    for (const { body } of written) assert.match(body, /"reason":"Access was denied to this resource."/);
  });

  it("referrers, and listings for everybody", async () => {
    const anonymous = async (path: string, referer = ""): Promise<number> =>
      (await swift.raw("GET", swift.account + path, { headers: referer === "" ? {} : { Referer: referer } })).status;
    await share({ "X-Container-Read": ".r:*" });
    assert.deepEqual([await anonymous("/c/o"), await anonymous("/c"), await anonymous("/c/none")], [200, 401, 404]);
    assert.equal((await swift.raw("GET", `${swift.account}/c/o`, { token: "no longer good" })).status, 200);
    await share({ "X-Container-Read": ".r:*,.rlistings" });
    assert.equal(await anonymous("/c"), 200);
    await share({ "X-Container-Read": ".r:.example.com,.r:-bad.example.com" });
    assert.deepEqual(
      [
        await anonymous("/c/o", "http://www.example.com/x"),
        await anonymous("/c/o", "http://bad.example.com/"),
        await anonymous("/c/o"),
      ],
      [200, 401, 401],
    );
    assert.equal((await share({ "X-Container-Write": ".r:*" })).status, 400);
    assert.equal((await share({ "X-Container-Read": ".nonsense:x" })).status, 400);
    await share({ "X-Remove-Container-Read": "x" });
  });

  it("whoever has a signed URL, for what it is for", async () => {
    await swift.as("POST", "", { headers: { "X-Account-Meta-Temp-URL-Key": "account key" } });
    await share({ "X-Container-Meta-Temp-URL-Key-2": "container key" });
    const { db } = swift.store;
    const [kept] = await db<{ text: string }[]>`
      select concat((select json_agg(a) from object_account a), (select json_agg(c) from object_container c)) as text`;
    assert.match(kept?.text ?? "", /temp-url-key-2/);
    assert.doesNotMatch(kept?.text ?? "", /account key|container key/, "they are secrets");
    assert.equal((await swift.as("HEAD", "")).headers["x-account-meta-temp-url-key"], "account key");
    assert.equal((await swift.as("HEAD", "/c")).headers["x-container-meta-temp-url-key-2"], "container key");
    const expires = Math.floor(Date.now() / 1000) + 100;
    const sign = (method: string, path: string, key = "account key", digest = "sha256"): string =>
      createHmac(digest, key).update(`${method}\n${expires}\n${path}`).digest("hex");
    const path = `${swift.account}/c/o`;
    const url = (signature: string, more = ""): string =>
      `${path}?temp_url_sig=${signature}&temp_url_expires=${expires}${more}`;
    const got = await swift.raw("GET", url(sign("GET", path)));
    assert.deepEqual([got.status, got.text], [200, "shared"]);
    assert.equal(got.headers["content-disposition"], `attachment; filename="o"; filename*=UTF-8''o`);
    assert.equal(got.headers["x-object-meta-own"], undefined);
    assert.equal(got.headers["x-object-meta-public-a"], "2");
    assert.equal(
      (await swift.raw("GET", url(sign("GET", path, "container key", "sha512"), "&inline"))).headers[
        "content-disposition"
      ],
      "inline",
    );
    assert.equal((await swift.raw("GET", url(sign("GET", path, "account key", "sha1")))).status, 401);
    assert.equal((await swift.raw("GET", url(sign("GET", path, "wrong")))).status, 401);
    assert.equal((await swift.raw("PUT", url(sign("GET", path)), { body: "x" })).status, 401);
    assert.equal((await swift.raw("HEAD", url(sign("GET", path)))).status, 200);
    assert.equal((await swift.raw("HEAD", url(sign("PUT", path)))).status, 200);
    assert.equal((await swift.raw("GET", `${path}?temp_url_sig=${sign("GET", path)}&temp_url_expires=1`)).status, 401);
    const raw = Buffer.from(sign("GET", path), "hex").toString("base64url");
    assert.equal(
      (await swift.raw("GET", url(`sha256:${raw}`, "&filename=a%20b"))).headers["content-disposition"],
      `attachment; filename="a b"; filename*=UTF-8''a%20b`,
    );
    const put = `${swift.account}/c/put`;
    const putUrl = `${put}?temp_url_sig=${sign("PUT", put)}&temp_url_expires=${expires}`;
    assert.equal((await swift.raw("PUT", putUrl, { body: "by url" })).status, 201);
    assert.equal((await swift.raw("PUT", putUrl, { headers: { "X-Object-Manifest": "c/o" } })).status, 400);
    assert.equal((await swift.as("GET", "/c/put")).text, "by url");
    const prefix = sign("GET", `prefix:${swift.account}/c/pu`);
    const prefixed = (name: string): string =>
      `${swift.account}/c/${name}?temp_url_sig=${prefix}&temp_url_expires=${expires}&temp_url_prefix=pu`;
    assert.deepEqual(
      [(await swift.raw("GET", prefixed("put"))).status, (await swift.raw("GET", prefixed("o"))).status],
      [200, 401],
    );
    const ranged = (range: string): string =>
      url(
        createHmac("sha256", "account key").update(`ip=${range}\nGET\n${expires}\n${path}`).digest("hex"),
        `&temp_url_ip_range=${range}`,
      );
    assert.deepEqual(
      [(await swift.raw("GET", ranged("127.0.0.0/8"))).status, (await swift.raw("GET", ranged("192.0.2.1"))).status],
      [200, 401],
    );
    assert.equal(
      (
        await swift.raw(
          "GET",
          `/v1/AUTH_${newHexId()}/c/o?temp_url_sig=${sign("GET", path)}&temp_url_expires=${expires}`,
        )
      ).status,
      401,
    );
  });

  it("a signed form", async () => {
    const expires = Math.floor(Date.now() / 1000) + 100;
    const path = `${swift.account}/c/up-`;
    const post = (fields: { [name: string]: string }, files: { [name: string]: string }, key = "account key") => {
      const all = { redirect: "", max_file_size: "100", max_file_count: "2", expires: String(expires), ...fields };
      const signed = [path, all.redirect, all.max_file_size, all.max_file_count, all.expires].join("\n");
      const signature = createHmac("sha256", key).update(signed).digest("hex");
      let body = "";
      for (const [name, value] of Object.entries({ ...all, signature }))
        body += `--xx\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
      for (const [name, value] of Object.entries(files))
        body += `--xx\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\nContent-Type: text/form\r\n\r\n${value}\r\n`;
      return swift.raw("POST", path, {
        body: `${body}--xx--\r\n`,
        headers: { "Content-Type": "multipart/form-data; boundary=xx" },
      });
    };
    const done = await post({}, { "one.txt": "first\r\n--x\r\nfile", "two.txt": "" });
    assert.deepEqual([done.status, done.text], [201, "201 Created"]);
    const one = await swift.as("GET", "/c/up-one.txt");
    assert.deepEqual([one.text, one.headers["content-type"]], ["first\r\n--x\r\nfile", "text/form"]);
    assert.equal((await swift.as("HEAD", "/c/up-two.txt")).headers["content-length"], "0");
    assert.equal((await post({}, { a: "1" }, "wrong")).status, 401);
    assert.equal((await post({ expires: "1" }, { a: "1" })).status, 401);
    const tooMany = await post({ max_file_count: "1", redirect: "http://x/y?z=1" }, { a: "1", b: "2" });
    assert.deepEqual(
      [tooMany.status, tooMany.headers["location"]],
      [303, "http://x/y?z=1&status=400&message=max%20file%20count%20exceeded"],
    );
    const tooLarge = await post({ max_file_size: "3" }, { large: "four" });
    assert.deepEqual([tooLarge.status, tooLarge.text], [400, "FormPost: max_file_size exceeded"]);
    assert.equal((await swift.as("GET", "/c/up-large")).status, 404);
    assert.equal((await post({}, {})).status, 400);
    const odd = await post({ redirect: "http://\u2603/\r\nX-Injected: yes" }, {});
    assert.deepEqual([odd.status, odd.headers["x-injected"]], [303, undefined]);
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`f${index}`, "x"]));
    assert.match((await post(many, { a: "1" })).text, /too many fields/);
  });

  it("operators, through their own door; a token with access rules, as far as those go", async () => {
    const door = swiftClient(await swift.listen({ swift: swiftFront }, "operator"));
    const operator = swift.tokenFor({ directory: "operator", roles: ["admin"] });
    assert.equal((await door("GET", swift.account, { token: operator })).status, 200);
    assert.equal((await swift.raw("GET", swift.account, { token: operator })).status, 401);
    assert.equal((await door("GET", swift.account, { token: swift.token })).status, 200);
    const other = swift.tokenFor({ directory: "operator", roles: ["member"] });
    assert.equal((await door("GET", swift.account, { token: other })).status, 403);
    const rule = { service: "object-store", method: "GET", path: `${swift.account}/c/**` };
    const token = swift.tokenFor({ projectId: swift.projectId, accessRules: [rule] });
    assert.equal((await swift.raw("GET", `${swift.account}/c/o`, { token })).status, 200);
    assert.equal((await swift.raw("PUT", `${swift.account}/c/o`, { token, body: "x" })).status, 401);
    assert.equal((await swift.raw("GET", swift.account, { token })).status, 401);
  });

  it("what was written by the other API is shown in Swift's words", async () => {
    const { namespace } = swift.store;
    const container = await namespace.findContainer(swift.projectId, "c");
    assert.ok(container);
    await namespace.putObject(swift.originFor(), container, {
      key: "by-s3",
      body: bodyOf(Buffer.from("parts")),
      size: 5,
      maxBytes: 5,
      contentType: "text/s3",
      deleteAt: null,
      metadata: { colour: "bleu nuit é", "odd name": "x" },
      details: { headers: { "cache-control": "no-store" }, parts: [3, 2] },
      digests: ["md5"],
      check: () => ({ etag: "0123456789abcdef0123456789abcdef-2" }),
    });
    const got = await swift.as("GET", "/c/by-s3");
    assert.deepEqual([got.status, got.text, got.headers["content-type"]], [200, "parts", "text/s3"]);
    assert.equal(got.headers["etag"], "0123456789abcdef0123456789abcdef-2");
    assert.equal(got.headers["cache-control"], "no-store");
    assert.equal(Buffer.from(got.headers["x-object-meta-colour"] as string, "latin1").toString(), "bleu nuit é");
    const [listed] = JSON.parse((await swift.as("GET", "/c?format=json&prefix=by")).text) as { hash: string }[];
    assert.equal(listed?.hash, "0123456789abcdef0123456789abcdef-2");
    await swift.as("PUT", "/c/by-swift", {
      body: "x",
      headers: { "X-Object-Meta-Fruit": "p%C3%AAche", "Content-Encoding": "aws" },
    });
    const stored = await namespace.findObject(container, "by-swift");
    assert.deepEqual(
      [stored?.metadata, stored?.details],
      [{ fruit: "p%C3%AAche" }, { headers: { "content-encoding": "aws" } }],
    );
  });

  it("S3's public access block holds here too", async () => {
    await swift.as("PUT", "/blocked", { headers: { "X-Container-Read": ".r:*,.rlistings,*:*" } });
    await swift.as("PUT", "/blocked/o", { body: "x" });
    const stranger = swift.tokenFor();
    const looks = async (): Promise<number[]> => [
      (await swift.raw("GET", `${swift.account}/blocked/o`)).status,
      (await swift.raw("GET", `${swift.account}/blocked/o`, { token: stranger })).status,
      (await swift.as("GET", "/blocked/o")).status,
    ];
    assert.deepEqual(await looks(), [200, 200, 200]);
    const { namespace } = swift.store;
    const container = await namespace.findContainer(swift.projectId, "blocked");
    assert.ok(container);
    const publicAccessBlock = {
      blockPublicAcls: true,
      ignorePublicAcls: true,
      blockPublicPolicy: false,
      restrictPublicBuckets: false,
    };
    await namespace.updateContainer(swift.originFor(), container, { settings: { publicAccessBlock } });
    assert.deepEqual(await looks(), [401, 403, 200]);
    assert.equal((await swift.as("POST", "/blocked", { headers: { "X-Container-Read": ".r:*" } })).status, 403);
    assert.equal((await swift.as("POST", "/blocked", { headers: { "X-Container-Read": "a:b" } })).status, 204);
  });

  it("a container's own named key seals what Swift writes too", async () => {
    await swift.as("PUT", "/sealed");
    const { namespace } = swift.store;
    const container = await namespace.findContainer(swift.projectId, "sealed");
    assert.ok(container);
    const settings = { encryption: { algorithm: "aws:kms" as const, keyId: "mine" } };
    await namespace.updateContainer(swift.originFor({ projectId: swift.projectId }), container, { settings });
    assert.equal((await swift.as("PUT", "/sealed/o", { body: "x" })).status, 201);
    assert.deepEqual((await namespace.findObject(container, "o"))?.details, {
      encryption: { kind: "kms", keyId: "mine" },
    });
    assert.equal((await swift.as("GET", "/sealed/o")).text, "x");
    assert.equal((await swift.as("COPY", "/sealed/o", { headers: { Destination: "c/unsealed" } })).status, 201);
    assert.equal((await swift.as("GET", "/c/unsealed")).text, "x");
  });

  it("pages on other sites, as far as the container lets them", async () => {
    await share({
      "X-Container-Meta-Access-Control-Allow-Origin": "http://a.example http://b.example",
      "X-Container-Meta-Access-Control-Max-Age": "5",
    });
    const ask = (origin: string, method = "PUT") =>
      swift.raw("OPTIONS", `${swift.account}/c/o`, {
        headers: {
          Origin: origin,
          "Access-Control-Request-Method": method,
          "Access-Control-Request-Headers": "x-auth-token",
        },
      });
    const allowed = await ask("http://a.example");
    assert.equal(allowed.status, 200);
    assert.equal(allowed.headers["access-control-allow-origin"], "http://a.example");
    assert.equal(allowed.headers["access-control-max-age"], "5");
    assert.equal(allowed.headers["access-control-allow-headers"], "x-auth-token");
    assert.match(String(allowed.headers["access-control-allow-methods"]), /COPY/);
    assert.equal((await ask("http://c.example")).status, 401);
    assert.equal((await ask("http://a.example", "PATCH")).status, 401);
    const got = await swift.as("GET", "/c/o", { headers: { Origin: "http://b.example" } });
    assert.equal(got.headers["access-control-allow-origin"], "http://b.example");
    assert.match(String(got.headers["access-control-expose-headers"]), /x-object-meta-own/);
    assert.equal(
      (await swift.as("GET", "/c/o", { headers: { Origin: "http://c.example" } })).headers[
        "access-control-allow-origin"
      ],
      undefined,
    );
  });
});
