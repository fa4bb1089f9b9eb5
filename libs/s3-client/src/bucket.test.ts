import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { deleteKeys, ensureBucket, listKeys } from "./bucket.ts";
import { type S3Client, bodyOf, createS3Client } from "./client.ts";
import { type FakeS3, startFakeS3 } from "./testing/fake-s3.ts";

describe("a bucket", () => {
  const keys = { region: "paris", accessKey: "key", secretKey: "secret" };
  let server: FakeS3;
  let client: S3Client;
  before(async () => {
    server = await startFakeS3(keys);
    client = createS3Client({ ...keys, endpoint: server.url, bucket: "things" });
    await ensureBucket(client);
  });
  after(async () => {
    client.close();
    await server.close();
  });
  const put = (key: string, headers: { [name: string]: string } = {}): Promise<{ status: number }> => {
    return client.ask({ method: "PUT", key, headers, body: bodyOf(Buffer.from(key)) }, [200, 412]);
  };

  it("is listed below a prefix to its end, and emptied a page at a time", async () => {
    for (const name of ["a/1", "a/2", "a/3", "a/4", "a/5", "b/1"]) await put(name);
    const pages = await Array.fromAsync(listKeys(client, "a/"));
    assert.deepEqual(pages.flat(), ["a/1", "a/2", "a/3", "a/4", "a/5"]);
    assert.ok(pages.length > 1);
    for (const page of pages) await deleteKeys(client, page);
    assert.deepEqual([...server.objects.keys()], ["b/1"]);
    await deleteKeys(client, ["a/1", "b/1"]);
    assert.equal(server.objects.size, 0);
    await deleteKeys(client, []);
  });

  it("takes a condition along, and a name in XML's own characters", async () => {
    assert.equal((await put("c/1", { "if-none-match": "*" })).status, 200);
    assert.equal((await put("c/1", { "if-none-match": "*" })).status, 412);
    server.objects.set("c/<&>", Buffer.from("2"));
    await deleteKeys(client, ["c/<&>"]);
    assert.deepEqual([...server.objects.keys()], ["c/1"]);
    await deleteKeys(client, ["c/1"]);
  });

  it("is not thought to be emptied when the server refused", async () => {
    server.fail.push(403);
    await assert.rejects(deleteKeys(client, ["x"]), /refused/);
  });
});
