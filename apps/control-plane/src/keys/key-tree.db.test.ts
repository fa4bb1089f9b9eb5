import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { openKeyTree, verifySignature } from "@andromede/platform/keys/key-tree";
import { createRootKey } from "@andromede/platform/keys/root-key";

import { type TestApp, createTestApp } from "../testing/test-app.ts";

let testApp: TestApp;
const home = mkdtempSync(join(tmpdir(), "andromede-keys-"));
before(async () => {
  testApp = await createTestApp();
});
after(async () => {
  await testApp.close();
  rmSync(home, { recursive: true, force: true });
});

test("a project's secret opens with its own name only, and from another process too", async () => {
  const { app } = testApp;
  const secret = Buffer.from("hunter2");
  const wrapped = await app.keys.wrapForProject(app.db, "p1", secret, "volume-key/v1");
  assert.ok(!wrapped.includes(secret));
  const other = await openKeyTree({ rootKeyFile: app.config.rootKeyFile, db: app.db });
  assert.deepEqual(await other.unwrapForProject(app.db, "p1", wrapped, "volume-key/v1"), secret);
  await assert.rejects(other.unwrapForProject(app.db, "p1", wrapped, "volume-key/v2"), /cannot be unwrapped/);
  await other.wrapForProject(app.db, "p2", secret, "volume-key/v1");
  await assert.rejects(other.unwrapForProject(app.db, "p2", wrapped, "volume-key/v1"), /cannot be unwrapped/);
});

test("wrapping at once from many sides makes one project key", async () => {
  const { app } = testApp;
  const wrapped = await Promise.all(
    Array.from({ length: 8 }, (_, index) => app.keys.wrapForProject(app.db, "racing", Buffer.of(index), "x")),
  );
  const opened = await Promise.all(wrapped.map((one) => app.keys.unwrapForProject(app.db, "racing", one, "x")));
  assert.deepEqual(
    opened.map((one) => one[0]),
    [0, 1, 2, 3, 4, 5, 6, 7],
  );
});

test("a destroyed project key opens nothing and is never made again", async () => {
  const { app } = testApp;
  const wrapped = await app.keys.wrapForProject(app.db, "gone", Buffer.from("secret"), "x");
  await app.keys.destroyProjectKey(app.db, "gone");
  await app.keys.destroyProjectKey(app.db, "gone");
  await app.keys.destroyProjectKey(app.db, "never-there");
  await assert.rejects(app.keys.unwrapForProject(app.db, "gone", wrapped, "x"), /was destroyed/);
  await assert.rejects(app.keys.wrapForProject(app.db, "gone", Buffer.from("more"), "x"), /was destroyed/);
  await assert.rejects(app.keys.wrapForProject(app.db, "never-there", Buffer.from("more"), "x"), /was destroyed/);
});

test("signing keys last, and are not each other's", async () => {
  const { app } = testApp;
  const again = await openKeyTree({ rootKeyFile: app.config.rootKeyFile, db: app.db });
  const signer = app.keys.signer("token");
  const signature = signer.sign(Buffer.from("text"));
  const key = again.verificationKey("token", signer.keyId);
  assert.ok(key !== null && verifySignature(key, Buffer.from("text"), signature));
  assert.ok(!verifySignature(key, Buffer.from("texT"), signature));
  assert.equal(again.verificationKey("event-log", signer.keyId), null);
  assert.notEqual(app.keys.signer("event-log").keyId, signer.keyId);
  assert.deepEqual(
    again.publicKeys("event-log").map((one) => one.retired),
    [false],
  );
});

test("another root key is refused, and so is one that others can read", async () => {
  const { app } = testApp;
  const file = join(home, "other.key");
  createRootKey(file);
  await assert.rejects(openKeyTree({ rootKeyFile: file, db: app.db }), /is not the one this database was made with/);
  assert.throws(() => createRootKey(file), /EEXIST/);
  chmodSync(file, 0o640);
  await assert.rejects(openKeyTree({ rootKeyFile: file, db: app.db }), /can be read by others \(mode 640/);
  chmodSync(file, 0o600);
  writeFileSync(file, "short");
  await assert.rejects(openKeyTree({ rootKeyFile: file, db: app.db }), /must be 32 bytes/);
  await assert.rejects(openKeyTree({ rootKeyFile: join(home, "none"), db: app.db }), /cannot be opened/);
});

test("the operator's own secrets are wrapped under a key of their own", () => {
  const { app } = testApp;
  const wrapped = app.keys.wrapForOperator(Buffer.from("s"), "licence");
  assert.equal(app.keys.unwrapForOperator(wrapped, "licence").toString(), "s");
  assert.throws(() => app.keys.unwrapForOperator(wrapped, "other"), /cannot be unwrapped/);
});
