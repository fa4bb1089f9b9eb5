import assert from "node:assert/strict";
import { test } from "node:test";

import { leavesBucket } from "./byte-place.ts";
import { checkSettings } from "./settings.ts";

const s3 = {
  driver: "s3",
  endpoint: "https://ceph.example.org",
  region: "paris",
  bucket: "images",
  accessKey: "key",
  secretKeyFile: "/root/secret",
} as const;

test("a place of bytes is one of three, each with its members", () => {
  for (const imageStore of [{ driver: "files" }, { driver: "objects" }, s3, { ...s3, caFile: "/root/ca.pem" }])
    assert.deepEqual(checkSettings({ imageStore, backupStore: imageStore }, "f"), {
      imageStore,
      backupStore: imageStore,
    });
  for (const [imageStore, why] of [
    [{}, /f: section "imageStore": "driver" is one of files, objects, s3/],
    [{ driver: "ftp" }, /"driver" is one of/],
    [{ driver: "toString" }, /"driver" is one of/],
    [{ driver: "objects", bucket: "mine" }, /driver "objects" has no "bucket"/],
    [{ driver: "s3", bucket: "mine", region: "r" }, /driver "s3" needs endpoint, accessKey, secretKeyFile/],
    [{ ...s3, bucket: 3 }, /"bucket" is a word/],
    [3, /"imageStore" is an object/],
  ] as const)
    assert.throws(() => checkSettings({ imageStore }, "f"), why);
});

test("who has bytes in a bucket does not leave it by a word", () => {
  assert.equal(leavesBucket({ driver: "objects" }, undefined), true);
  assert.equal(leavesBucket(s3, { driver: "files" }), true);
  assert.equal(leavesBucket(s3, { driver: "objects" }), false);
  assert.equal(leavesBucket({ driver: "files" }, undefined), false);
  assert.equal(leavesBucket(undefined, s3), false);
});
