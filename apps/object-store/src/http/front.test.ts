import assert from "node:assert/strict";
import { test } from "node:test";

import { bucketOfHost, isSwift } from "./front.ts";
import { newTransactionId } from "./transaction-id.ts";

const request = { rawPath: "/", rawQuery: "", host: "127.0.0.1:8445", authorization: "" };

test("Swift's paths are Swift's; what is signed for S3 is S3's", () => {
  const swift = (change: Partial<typeof request>): boolean => isSwift({ ...request, ...change }, ["s3.test"]);
  assert.ok(swift({ rawPath: "/v1/AUTH_a/c/o" }));
  assert.ok(swift({ rawPath: "/v1" }));
  assert.ok(swift({ rawPath: "/info" }));
  assert.ok(!swift({ rawPath: "/v1x/AUTH_a" }));
  assert.ok(!swift({ rawPath: "/" }));
  assert.ok(!swift({ rawPath: "/info", authorization: "AWS4-HMAC-SHA256 Credential=..." }));
  assert.ok(!swift({ rawPath: "/info", rawQuery: "a=b&X-Amz-Algorithm=AWS4-HMAC-SHA256" }));
  assert.ok(!swift({ rawPath: "/v1/AUTH_a", host: "bucket.s3.test" }), "a key of that bucket");
});

test("a bucket is the label before one of our domains", () => {
  assert.equal(bucketOfHost("Photos.s3.test:8445", ["s3.test"]), "photos");
  assert.equal(bucketOfHost("a.b.s3.test", ["s3.test"]), "a.b");
  for (const host of ["s3.test", "xs3.test", ".s3.test", "127.0.0.1", ""])
    assert.equal(bucketOfHost(host, ["s3.test"]), null, host);
});

test("transaction ids have Swift's form and do not repeat", () => {
  const ids = new Set(Array.from({ length: 1_000 }, () => newTransactionId(1_700_000_000_000)));
  assert.equal(ids.size, 1_000);
  for (const id of ids) assert.match(id, /^tx[0-9a-f]{21}-006553f100$/);
});
