/** What an object's headers say through S3, on a whole store. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { type TestStore, createTestStore } from "../../testing/test-store.ts";
import { swiftFront } from "../../swift/front.ts";
import { s3Front } from "../front.ts";
import { ok, refused } from "../testing/answers.ts";
import { type S3Client, createS3Client, pathOf } from "../testing/client.ts";

let stand: TestStore;
let client: S3Client;

before(async () => {
  stand = await createTestStore();
  client = createS3Client(await stand.listen({ s3: s3Front, swift: swiftFront }), stand.accessKeyFor());
  await ok(client.send("PUT", "/things"));
});
after(() => stand.stop());

const thing = (key: string): string => pathOf("things", key);

test("metadata, types and headers come back as they were", async () => {
  const headers = {
    "content-type": "text/plain; charset=utf-8",
    "cache-control": "no-cache",
    "content-disposition": 'attachment; filename="a b"',
    "content-encoding": "gzip,aws-chunked",
    "content-language": "fr",
    expires: "Thu, 01 Dec 2030 16:00:00 GMT",
    "x-amz-meta-colour": "blue",
    "x-amz-meta-accents": Buffer.from("été €").toString("latin1"),
    "x-amz-meta-word": "=?UTF-8?B?w6l0w6k=?=",
    "x-amz-website-redirect-location": "/elsewhere",
    "x-amz-storage-class": "STANDARD_IA",
  };
  await ok(client.send("PUT", thing("meta"), { body: "x", headers }));
  const { headers: got } = await ok(client.send("GET", thing("meta")));
  for (const name of ["content-type", "cache-control", "content-disposition", "content-language", "expires"] as const)
    assert.equal(got[name], headers[name]);
  assert.equal(got["content-encoding"], "gzip");
  assert.equal(got["x-amz-meta-colour"], "blue");
  assert.equal(got["x-amz-meta-accents"], `=?UTF-8?B?${Buffer.from("été €").toString("base64")}?=`);
  assert.equal(got["x-amz-meta-word"], "=?UTF-8?B?w6l0w6k=?=");
  assert.equal(got["x-amz-website-redirect-location"], "/elsewhere");
  assert.equal(got["x-amz-server-side-encryption"], "AES256");
  const override = { "response-content-type": "image/png", "response-cache-control": "private" };
  const overridden = await ok(client.send("GET", thing("meta"), { query: override }));
  assert.equal(overridden.headers["content-type"], "image/png");
  assert.equal(overridden.headers["cache-control"], "private");
  const tooMuch = { "x-amz-meta-a": "x".repeat(2048) };
  await refused(client.send("PUT", thing("meta"), { body: "x", headers: tooMuch }), 400, "MetadataTooLarge");
  const cold = { "x-amz-storage-class": "GLACIER" };
  await refused(client.send("PUT", thing("meta"), { body: "x", headers: cold }), 400, "InvalidStorageClass");
});

test("no text of a client's ends a header of an answer, or spoils one", async () => {
  // U+010D and U+010A: cut to bytes they would be the end of a line
  const text = 'attachment; filename="\u2603 \u010d\u010aX-Injected: yes"';
  const wire = Buffer.from(text).toString("latin1");
  await ok(client.send("PUT", thing("odd"), { body: "x" }));
  const query = { "response-content-disposition": text };
  for (const answer of [
    await ok(client.send("GET", thing("odd"), { query })),
    await ok(client.send("HEAD", thing("odd"), { query })),
  ]) {
    assert.equal(answer.headers["content-disposition"], wire);
    assert.equal(answer.headers["x-injected"], undefined);
  }
  for (const name of ["response-content-type", "response-content-disposition", "response-expires"])
    await ok(client.send("GET", thing("odd"), { query: { [name]: "a\u0001b\u007f\r\nX-Injected: yes" } }));
});
