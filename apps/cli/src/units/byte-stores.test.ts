import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import type { BytePlace } from "../instance/byte-place.ts";
import { instancePaths } from "../instance/paths.ts";
import type { Stack } from "../stack/stack.ts";
import { type ByteStore, byteStore } from "./byte-stores.ts";

let data: string;
before(() => {
  data = mkdtempSync(join(tmpdir(), "andromede-byte-stores-"));
});
after(() => rmSync(data, { recursive: true }));

const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

function storeOf(
  place: BytePlace | undefined,
  over: { objectStore?: boolean; plainHttp?: boolean } = {},
): Promise<ByteStore> {
  const config = {
    objectStore: true,
    plainHttp: false,
    region: "RegionOne",
    ports: { operatorObjects: 8446 },
    ...over,
  };
  const stack = { paths: instancePaths(data, "one"), config } as unknown as Stack;
  return byteStore(stack, { name: "images", place, directory: "/images", secrets: data, owner });
}

test("bytes are in files unless the operator says otherwise", async () => {
  assert.deepEqual(await storeOf(undefined), { driver: "files", directory: "/images" });
  assert.deepEqual(await storeOf({ driver: "files" }), { driver: "files", directory: "/images" });
});

test("a bucket in the cloud's own object store has a key of its own, made once", async () => {
  const store = await storeOf({ driver: "objects" });
  assert.ok(store.driver === "s3");
  assert.match(store.accessKey, /^[0-9a-f]{32}$/);
  assert.equal(statSync(store.secretKeyFile).mode & 0o777, 0o400);
  assert.ok(!readFileSync(store.secretKeyFile, "utf8").includes(store.accessKey));
  const { accessKey: _, secretKeyFile: __, ...rest } = store;
  assert.deepEqual(rest, {
    driver: "s3",
    directory: "/images",
    endpoint: "https://127.0.0.1:8446",
    region: "RegionOne",
    bucket: "andromede-images",
    caFile: join(data, "one/tls/ca.crt"),
  });
  assert.deepEqual(await storeOf({ driver: "objects" }), store);
  assert.equal(Object.hasOwn(await storeOf({ driver: "objects" }, { plainHttp: true }), "caFile"), false);
  await assert.rejects(storeOf({ driver: "objects" }, { objectStore: false }), /has no object store/);
});

test("a bucket elsewhere is named as it was; its files are copied to where the program sees them", async () => {
  const [secret, ca] = [join(data, "given-secret"), join(data, "given-ca")];
  const place = { endpoint: "https://ceph.example.org", region: "r", bucket: "b", accessKey: "k" };
  writeFileSync(secret, "their secret\n");
  writeFileSync(ca, "certificate\n");
  const given = { driver: "s3", ...place, secretKeyFile: secret, caFile: ca } as const;
  const store = await storeOf(given);
  assert.deepEqual(store, {
    driver: "s3",
    ...place,
    directory: "/images",
    secretKeyFile: join(data, "images.key"),
    caFile: join(data, "images.ca"),
  });
  rmSync(secret);
  assert.deepEqual(await storeOf(given), store);
  assert.equal(readFileSync(join(data, "images.key"), "utf8"), "their secret\n");
  rmSync(join(data, "images.ca"));
  await assert.rejects(storeOf({ ...given, caFile: join(data, "none") }), /none cannot be read/);
});
