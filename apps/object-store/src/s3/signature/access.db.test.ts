/** Who gets in: signatures of every kind on a whole store. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { request } from "@andromede/base/node-http";

import { type TestStore, createTestStore } from "../../testing/test-store.ts";
import { s3Front } from "../front.ts";
import { ok, refused } from "../testing/answers.ts";
import { type S3Client, createS3Client, pathOf } from "../testing/client.ts";

let stand: TestStore;
let url: string;
let client: S3Client;
let anonymous: S3Client;

before(async () => {
  stand = await createTestStore();
  url = await stand.listen({ s3: s3Front });
  client = createS3Client(url, stand.accessKeyFor());
  anonymous = createS3Client(url, null);
  await ok(client.send("PUT", "/things"));
  await ok(client.send("PUT", "/things/kept", { body: "kept" }));
});
after(() => stand.stop());

const thing = (key: string): string => pathOf("things", key);

test("presigned: read and written by who has the address, until it expires", async () => {
  await ok(client.send("PUT", thing("pre"), { body: "signed" }));
  assert.equal((await anonymous.raw("GET", client.presign("GET", thing("pre")))).text, "signed");
  const put = await anonymous.raw("PUT", client.presign("PUT", thing("pre")), {}, Buffer.from("again"));
  assert.equal(put.status, 200);
  assert.equal((await anonymous.raw("GET", client.presign("GET", thing("pre")))).text, "again");
  await refused(anonymous.raw("PUT", client.presign("GET", thing("pre"))), 403, "SignatureDoesNotMatch");
  await refused(
    anonymous.raw("GET", client.presign("GET", thing("pre"), { expires: 60, skewMs: -61_000 })),
    403,
    "AccessDenied",
  );
  const address = client.presign("GET", thing("pre"));
  await refused(
    anonymous.raw(
      "GET",
      address.replace(/.$/, (last) => (last === "0" ? "1" : "0")),
    ),
    403,
    "SignatureDoesNotMatch",
  );
  await refused(anonymous.raw("GET", address.replace("/pre?", "/range?")), 403, "SignatureDoesNotMatch");
  const overridden = client.presign("GET", thing("pre"), { query: { "response-content-type": "text/x" } });
  assert.equal((await anonymous.raw("GET", overridden)).headers["content-type"], "text/x");
});

test("nobody gets in who did not sign, and nobody into what is another's", async () => {
  const other = createS3Client(url, stand.accessKeyFor());
  for (const method of ["GET", "HEAD", "PUT", "DELETE"]) {
    await refused(anonymous.send(method, thing("kept")), 403);
    await refused(other.send(method, thing("kept")), 403);
    await refused(other.send(method, thing("not-there")), 403);
  }
  await refused(other.send("GET", "/things"), 403, "AccessDenied");
  await refused(other.send("GET", "/not-there"), 404, "NoSuchBucket");
  await refused(anonymous.send("GET", "/"), 403, "AccessDenied");
  await refused(client.send("GET", thing("not-there")), 404, "NoSuchKey");
  const unknown = createS3Client(url, { accessKey: "AKIDNOBODY", secretKey: "x" });
  await refused(unknown.send("GET", "/things"), 403, "InvalidAccessKeyId");
  const wrong = createS3Client(url, { ...stand.accessKeyFor(), secretKey: "wrong" });
  await refused(wrong.send("GET", "/things"), 403, "SignatureDoesNotMatch");
  await refused(client.send("GET", "/things", { skewMs: 16 * 60_000 }), 403, "RequestTimeTooSkewed");
  const operator = createS3Client(url, stand.accessKeyFor({ directory: "operator", roles: ["admin"] }));
  await refused(operator.send("GET", "/things"), 403, "InvalidAccessKeyId");
});

test("readers of a project read, and do nothing else", async () => {
  const projectId = "a".repeat(32);
  const member = createS3Client(url, stand.accessKeyFor({ projectId }));
  const reader = createS3Client(url, stand.accessKeyFor({ projectId, roles: ["reader"] }));
  const nobody = createS3Client(url, stand.accessKeyFor({ projectId, roles: ["auditor"] }));
  await ok(member.send("PUT", "/of-the-project"));
  await ok(member.send("PUT", "/of-the-project/x", { body: "x" }));
  assert.equal((await ok(reader.send("GET", "/of-the-project/x"))).text, "x");
  await ok(reader.send("GET", "/of-the-project"));
  await refused(reader.send("PUT", "/of-the-project/y", { body: "y" }), 403, "AccessDenied");
  await refused(reader.send("DELETE", "/of-the-project/x"), 403, "AccessDenied");
  await refused(reader.send("PUT", "/another-bucket"), 403, "AccessDenied");
  await refused(nobody.send("GET", "/of-the-project/x"), 403, "AccessDenied");
});

test("who waits for leave to send a body is refused before it comes", async () => {
  const target = new URL(url);
  const ask = async (key: string, headers: { [name: string]: string }): Promise<{ status: number; went: boolean }> => {
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; went: boolean }>();
    let went = false;
    const sending = request({ host: target.hostname, port: target.port, method: "PUT", path: key, headers });
    sending.once("continue", () => {
      went = true;
      sending.end("hello");
    });
    sending.once("response", (response) => {
      response.resume();
      resolve({ status: response.statusCode ?? 0, went });
    });
    sending.once("error", reject);
    sending.flushHeaders();
    return promise;
  };
  const waits = { expect: "100-continue", "content-length": "5" };
  assert.deepEqual(await ask(thing("expected"), waits), { status: 403, went: false });
  assert.deepEqual(await ask(client.presign("PUT", thing("expected")), waits), { status: 200, went: true });
  assert.equal((await ok(client.send("GET", thing("expected")))).text, "hello");
});
