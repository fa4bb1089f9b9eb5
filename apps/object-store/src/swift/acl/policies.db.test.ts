/** What a bucket policy forbids is forbidden through Swift as well; what it allows is not allowed by it there. */
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, describe, it } from "node:test";

import { makeTar } from "../testing/make-tar.ts";
import { type TestSwift, startSwift } from "../testing/start-swift.ts";

type Statement = { [field: string]: unknown };

describe("swift: what bucket policies deny", () => {
  let swift: TestSwift;
  before(async () => {
    swift = await startSwift();
    for (const name of ["c", "free"]) await swift.as("PUT", `/${name}`);
    for (const key of ["open/a", "shut/a", "shut/b"]) await swift.as("PUT", `/c/${key}`, { body: key });
    await swift.as("PUT", "/free/o", { body: "free" });
  });
  after(() => swift.stop());

  /** As PutBucketPolicy keeps it. */
  async function policy(...statements: Statement[]): Promise<void> {
    const { namespace } = swift.store;
    const container = await namespace.findContainer(swift.projectId, "c");
    assert.ok(container !== null);
    const text = JSON.stringify({ Version: "2012-10-17", Statement: statements });
    await namespace.updateContainer(swift.originFor(), container, {
      settings: { policy: statements.length === 0 ? null : text },
    });
  }
  const deny = (action: string | string[], resource: string, more: Statement = {}): Statement => ({
    Effect: "Deny",
    Principal: "*",
    Action: action,
    Resource: `arn:aws:s3:::${resource}`,
    ...more,
  });
  const status = async (...ask: Parameters<TestSwift["as"]>): Promise<number> => (await swift.as(...ask)).status;

  it("objects are read, written and deleted where nothing denies it, by whoever owns them", async () => {
    await policy(deny("s3:GetObject", "c/shut/*"));
    assert.deepEqual([await status("GET", "/c/open/a"), await status("GET", "/c/shut/a")], [200, 403]);
    assert.equal(await status("HEAD", "/c/shut/a"), 403);
    assert.equal(await status("COPY", "/c/shut/a", { headers: { Destination: "free/stolen" } }), 403);
    assert.equal(await status("PUT", "/free/stolen", { headers: { "X-Copy-From": "c/shut/a" } }), 403);
    assert.equal(await status("PUT", "/free/link", { headers: { "X-Symlink-Target": "c/shut/a" } }), 201);
    assert.equal(await status("GET", "/free/link"), 403);
    assert.equal((await swift.raw("GET", `${swift.account}/c/shut/a`, { token: swift.reseller })).status, 200);
    await policy(deny("s3:PutObject", "c/shut/*"), deny("s3:DeleteObject", "c/shut/a"));
    assert.equal(await status("GET", "/c/shut/a"), 200);
    for (const method of ["PUT", "POST"]) assert.equal(await status(method, "/c/shut/a", { body: "x" }), 403);
    assert.equal(await status("COPY", "/free/o", { headers: { Destination: "c/shut/new" } }), 403);
    assert.equal(await status("DELETE", "/c/shut/a"), 403);
    assert.equal(await status("PUT", "/c/open/b", { body: "x" }), 201);
    const archive = makeTar([
      { name: "shut/t", body: "t" },
      { name: "open/t", body: "t" },
    ]);
    const unpacked = await swift.as("PUT", "/c?extract-archive=tar", { body: archive });
    assert.match(unpacked.text, /Number Files Created: 1[^]*shut\/t, 403/);
    const list = { body: "/c/shut/a\n/c/shut/b\n", headers: { "Content-Type": "text/plain" } };
    const deleted = await swift.as("POST", "?bulk-delete", list);
    assert.match(deleted.text, /Number Deleted: 1[^]*shut\/a, 403/);
    assert.equal(await status("GET", "/c/shut/b"), 404);
  });

  it("large objects are not read through segments that are denied", async () => {
    await policy();
    const segment = await swift.as("PUT", "/c/shut/segment", { body: "0123456789" });
    assert.equal(segment.status, 201);
    const manifest = JSON.stringify([{ path: "c/shut/segment" }]);
    assert.equal(await status("PUT", "/free/slo?multipart-manifest=put", { body: manifest }), 201);
    assert.equal(await status("PUT", "/free/dlo", { headers: { "X-Object-Manifest": "c/shut/seg" } }), 201);
    for (const name of ["slo", "dlo"]) assert.equal(await status("GET", `/free/${name}`), 200);
    await policy(deny("s3:GetObject", "c/shut/*"));
    for (const name of ["slo", "dlo"]) assert.equal(await status("GET", `/free/${name}`), 409);
    await policy(deny("s3:ListBucket", "c", { Condition: { StringLike: { "s3:prefix": "shut/*" } } }));
    assert.deepEqual([await status("GET", "/free/slo"), await status("GET", "/free/dlo")], [200, 403]);
  });

  it("containers are listed, changed and deleted where nothing denies it", async () => {
    await policy(deny("s3:ListBucket", "c", { Condition: { StringLike: { "s3:prefix": "shut*" } } }));
    assert.equal(await status("GET", "/c"), 200);
    for (const query of ["prefix=shut/", "path=shut"]) assert.equal(await status("GET", `/c?${query}`), 403);
    await policy(deny(["s3:PutBucketAcl", "s3:PutBucketVersioning", "s3:DeleteBucket"], "c"));
    for (const header of ["X-Container-Read", "X-Remove-Container-Write", "X-Versions-Enabled", "X-History-Location"])
      assert.equal(await status("POST", "/c", { headers: { [header]: "x" } }), 403, header);
    assert.equal(await status("PUT", "/c", { headers: { "X-Container-Read": ".r:*" } }), 403);
    assert.equal(await status("POST", "/c", { headers: { "X-Container-Meta-Color": "blue" } }), 204);
    assert.deepEqual([await status("PUT", "/c"), await status("DELETE", "/c")], [202, 403]);
    await policy(deny("s3:PutBucketTagging", "c"));
    assert.equal(await status("POST", "/c", { headers: { "X-Container-Meta-Color": "red" } }), 403);
    assert.equal(await status("POST", "/c", { headers: { "X-Container-Meta-Web-Index": "i" } }), 204);
    assert.equal((await swift.as("HEAD", "/c")).headers["x-container-meta-color"], "blue");
  });

  it("conditions look at the request, the object and the version", async () => {
    await policy();
    await swift.as("POST", "/c", { headers: { "X-Versions-Enabled": "true" } });
    const version = String((await swift.as("PUT", "/c/v", { body: "1" })).headers["x-object-version-id"]);
    await policy(deny(["s3:GetObjectVersion", "s3:DeleteObjectVersion"], "c/*"));
    assert.deepEqual([await status("GET", "/c/v"), await status("GET", `/c/v?version-id=${version}`)], [200, 403]);
    assert.equal(await status("DELETE", `/c/v?version-id=${version}`), 403);
    const only = (operator: string, key: string, value: string): Statement => ({
      Condition: { [operator]: { [key]: value } },
    });
    await policy(deny("s3:*", "c/*", only("NotIpAddress", "aws:SourceIp", "127.0.0.0/8")));
    assert.equal(await status("GET", "/c/v"), 200);
    await policy(deny("s3:*", "c/*", only("IpAddress", "aws:SourceIp", "127.0.0.1")));
    assert.equal(await status("GET", "/c/v"), 403);
    await policy(deny("s3:*", "c/*", only("Bool", "aws:SecureTransport", "false")));
    assert.equal(await status("GET", "/c/v"), 403);
    await policy(deny("s3:GetObject", "c/*", only("StringEquals", "s3:ExistingObjectTag/secret", "yes")));
    assert.equal(await status("GET", "/c/v"), 200);
    const { namespace } = swift.store;
    const container = await namespace.findContainer(swift.projectId, "c");
    const object = container === null ? null : await namespace.findObject(container, "v");
    assert.ok(container !== null && object !== null);
    await namespace.updateObject(swift.originFor(), container, object, { details: { tags: { secret: "yes" } } });
    assert.equal(await status("GET", "/c/v"), 403);
    const other = swift.tokenFor({ projectId: swift.projectId, userName: "eve" });
    await policy(deny("s3:GetObject", "c/*", { Principal: { AWS: `arn:aws:iam::${swift.projectId}:user/eve` } }));
    assert.deepEqual([await status("GET", "/c/v"), await status("GET", "/c/v", { token: other })], [200, 403]);
  });

  it("nobody is let in who has no token, and nobody by what a policy allows", async () => {
    await policy();
    await swift.as("POST", "/c", { headers: { "X-Container-Read": ".r:*", "X-Versions-Enabled": "false" } });
    const nobody = { token: "" };
    assert.equal(await status("GET", "/c/open/a", nobody), 200);
    await policy(deny("s3:GetObject", "c/open/*"));
    assert.equal(await status("GET", "/c/open/a", nobody), 401);
    // a signed address is its owner's word, and the owner is bound
    await swift.as("POST", "/c", { headers: { "X-Container-Meta-Temp-URL-Key": "key" } });
    const expires = Math.floor(Date.now() / 1000) + 600;
    const signed = (path: string): string => {
      const text = `GET\n${expires}\n${swift.account}/c/${path}`;
      return `/c/${path}?temp_url_sig=${createHmac("sha256", "key").update(text).digest("hex")}&temp_url_expires=${expires}`;
    };
    assert.equal(await status("GET", signed("v"), nobody), 200);
    assert.equal(await status("GET", signed("open/a"), nobody), 401);
    await swift.as("POST", "/c", { headers: { "X-Remove-Container-Read": "x" } });
    await policy({ ...deny("s3:*", "c/*"), Effect: "Allow" });
    assert.equal(await status("GET", "/c/open/a", nobody), 401);
    assert.equal(await status("GET", "/c/open/a", { token: swift.tokenFor() }), 403);
  });
});
