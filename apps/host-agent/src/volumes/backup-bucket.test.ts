import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";

import { newUuid } from "@andromede/base/ids";
import { waitUntil } from "@andromede/base/waiting";
import { type FakeS3, startFakeS3 } from "@andromede/s3-client/testing/fake-s3";

import { STRIPE_BYTES, openBackupBucket } from "./backup-bucket.ts";
import type { BackupDriver, Draft } from "./backup-driver.ts";

const MIB = 1024 * 1024;
const TEN_MINUTES = 600_000;
const NOBODY = new AbortController().signal;
const MANIFEST = Buffer.from("a manifest");

describe("backups in a bucket", () => {
  const home = mkdtempSync(join(tmpdir(), "andromede-backups-"));
  const secretKeyFile = join(home, "secret");
  const opened: BackupDriver[] = [];
  let server: FakeS3;
  let now = 0;
  let warnings: unknown[] = [];

  before(async () => {
    server = await startFakeS3({ region: "paris", accessKey: "key", secretKey: "secret" });
    writeFileSync(secretKeyFile, "secret\n", { mode: 0o600 });
  });
  beforeEach(() => {
    server.objects.clear();
    server.fail.length = 0;
    warnings = [];
  });
  after(async () => {
    for (const driver of opened) driver.close();
    await server.close();
    rmSync(home, { recursive: true });
  });

  function openOn(host: string): BackupDriver {
    const place = { endpoint: server.url, region: "paris", bucket: "kept", accessKey: "key", secretKeyFile };
    const driver = openBackupBucket(place, { host, now: () => now, warn: (error) => void warnings.push(error) });
    opened.push(driver);
    return driver;
  }
  async function write(driver: BackupDriver, draft: Draft, pieces: readonly Buffer[]): Promise<void> {
    const writer = await driver.openDraft(draft);
    for (const piece of pieces) await writer.append(piece);
    await writer.finish(MANIFEST);
    await writer.close();
  }
  async function make(driver: BackupDriver, backupId: string, pieces = [Buffer.from("x")]): Promise<void> {
    const draft = await driver.begin(backupId);
    await write(driver, draft, pieces);
    await driver.publish(draft, NOBODY);
  }
  const names = (): string[] => [...server.objects.keys()].map((key) => key.split("/")[0] ?? "").toSorted();
  const tidied = async (driver: BackupDriver, done: () => boolean): Promise<void> => {
    await waitUntil(
      "the tidying",
      () => {
        driver.tidy();
        return done();
      },
      { timeoutMs: 10_000, everyMs: 5 },
    );
  };

  it("give back what was put in, wherever it lies, and go without a trace", async () => {
    const driver = openOn("host1");
    const backupId = newUuid();
    const pieces = [randomBytes(7 * MIB), randomBytes(9 * MIB + 5), randomBytes(STRIPE_BYTES + 3), randomBytes(100)];
    await make(driver, backupId, pieces);
    const whole = Buffer.concat(pieces);
    assert.equal(server.objects.size, 2 + Math.ceil(whole.length / STRIPE_BYTES));
    assert.ok([...server.objects.values()].every((bytes) => bytes.length <= STRIPE_BYTES));
    const reader = await driver.openPieces(backupId);
    for (const [offset, length] of [
      [0, 7 * MIB],
      [7 * MIB, 9 * MIB + 5],
      [16 * MIB + 5, STRIPE_BYTES + 3],
      [whole.length - 100, 100],
    ] as const)
      assert.ok((await reader.read(offset, length)).equals(whole.subarray(offset, offset + length)), String(offset));
    await assert.rejects(reader.read(whole.length - 1, 2), /damaged/);
    await assert.rejects(reader.read(STRIPE_BYTES * 9, 2), /damaged/);
    assert.deepEqual(await driver.readManifest(backupId), MANIFEST);
    assert.deepEqual(await driver.readManifestHead(backupId), MANIFEST);
    let seen = -1;
    await driver.remove(backupId, () => {
      seen = server.objects.size;
    });
    assert.equal(seen, 1 + Math.ceil(whole.length / STRIPE_BYTES), "it is no backup before its bytes go");
    assert.equal(server.objects.size, 0);
    assert.equal(await driver.readManifestHead(backupId), null);
    await assert.rejects(driver.readManifest(backupId), { kind: "notFound" });
    await assert.rejects(driver.openPieces(backupId), { kind: "notFound" });
    await driver.remove(backupId, () => undefined);
  });

  it("are there whole or not at all", async () => {
    const driver = openOn("host1");
    const backupId = newUuid();
    const draft = await driver.begin(backupId);
    await write(driver, draft, [randomBytes(MIB)]);
    assert.equal(await driver.readManifestHead(backupId), null);
    await driver.publish(draft, NOBODY);
    assert.deepEqual(await driver.readManifestHead(backupId), MANIFEST);
    // Without what it says it has, it is damaged.
    const manifest = [...server.objects.keys()].find((key) => key.endsWith("/manifest")) ?? "";
    server.objects.delete(manifest);
    await assert.rejects(driver.readManifest(backupId), /damaged/);
  });

  it("wait for a server that is away for a while, and take its answers as they are", async () => {
    const driver = openOn("host1");
    const backupId = newUuid();
    const draft = await driver.begin(backupId);
    const writer = await driver.openDraft(draft);
    // More than the client's own tries.
    server.fail.push(503, 503, 503, 503, 500);
    await writer.append(randomBytes(STRIPE_BYTES));
    await writer.finish(MANIFEST);
    await writer.close();
    await driver.publish(draft, NOBODY);
    const reader = await driver.openPieces(backupId);
    server.fail.push("cut");
    assert.equal((await reader.read(0, STRIPE_BYTES)).length, STRIPE_BYTES);
    await reader.close();
    server.fail.push(507);
    await assert.rejects(driver.begin(newUuid()), { kind: "noCapacity" });
    const closed = await driver.openDraft(draft);
    server.fail.push(503, 503, 503, 503);
    await closed.append(randomBytes(STRIPE_BYTES));
    await closed.close();
    await assert.rejects(closed.finish(MANIFEST), { kind: "unavailable" });
  });

  it("are who was first's, where two hosts make the same", async () => {
    const [one, other] = [openOn("host1"), openOn("host2")];
    const backupId = newUuid();
    const [draft, late] = [await one.begin(backupId), await other.begin(backupId)];
    await write(one, draft, [Buffer.from("first")]);
    await write(other, late, [Buffer.from("late")]);
    await one.publish(draft, NOBODY);
    await other.publish(late, NOBODY);
    assert.equal((await (await other.openPieces(backupId)).read(0, 5)).toString(), "first");
    assert.equal(server.objects.size, 3, "nothing is left of the late one");
    // Whose answer was lost publishes again.
    server.objects.set(`making/host1/${backupId}/${draft.name}`, Buffer.alloc(0));
    await one.publish(draft, NOBODY);
    assert.equal(server.objects.size, 3);
  });

  it("are not made by one host when another has removed them", async () => {
    const [one, other] = [openOn("host1"), openOn("host2")];
    const backupId = newUuid();
    const draft = await one.begin(backupId);
    await write(one, draft, [Buffer.from("x")]);
    await other.remove(backupId, () => undefined);
    await assert.rejects(one.publish(draft, NOBODY), { kind: "conflict" });
    await one.abandon(draft);
    assert.equal(server.objects.size, 0);
  });

  it("leave nothing that is given up, not even what comes late", async () => {
    const driver = openOn("host1");
    const draft = await driver.begin(newUuid());
    await write(driver, draft, [Buffer.from("x")]);
    const keys = [...server.objects.keys()].filter((key) => key.includes("pieces"));
    await driver.abandon(draft);
    assert.deepEqual(names(), ["making"]);
    const before_ = server.requests.length;
    await tidied(driver, () => server.requests.length > before_ + 2);
    for (const key of keys) server.objects.set(key, Buffer.from("late"));
    now += TEN_MINUTES;
    await tidied(driver, () => server.objects.size === 0);
    const quiet = server.requests.length;
    driver.tidy();
    assert.equal(server.requests.length, quiet, "with nothing left, nothing is asked for");
  });

  it("leave nothing of an agent that died, and all that was complete or is another's", async () => {
    const [dead, other] = [openOn("host1"), openOn("host2")];
    const [halfId, doneId, otherId] = [newUuid(), newUuid(), newUuid()];
    const half = await dead.begin(halfId);
    await (await dead.openDraft(half)).append(randomBytes(STRIPE_BYTES));
    await waitUntil("the stripe", () => server.objects.size === 2, { timeoutMs: 5_000, everyMs: 5 });
    const done = await dead.begin(doneId);
    await write(dead, done, [Buffer.from("x")]);
    const note = `making/host1/${doneId}/${done.name}`;
    await dead.publish(done, NOBODY);
    server.objects.set(note, Buffer.alloc(0));
    const others = await other.begin(otherId);
    await write(other, others, [Buffer.from("x")]);

    const next = openOn("host1");
    // It is away when the agent starts.
    server.fail.push(503, 503, 503, 503);
    next.tidy();
    await waitUntil("the warning", () => warnings.length > 0, { timeoutMs: 10_000, everyMs: 5 });
    const again = await next.begin(halfId);
    await write(next, again, [Buffer.from("y")]);
    await tidied(
      next,
      () => ![...server.objects.keys()].some((key) => key.includes(half.name) && key.includes("pieces")),
    );
    await tidied(next, () => !server.objects.has(note));
    assert.deepEqual(await next.readManifest(doneId), MANIFEST);
    await next.publish(again, NOBODY);
    await other.publish(others, NOBODY);
    now += TEN_MINUTES;
    await tidied(next, () => !names().includes("making"));
    for (const backupId of [halfId, doneId, otherId]) assert.deepEqual(await next.readManifest(backupId), MANIFEST);
    assert.equal(server.objects.size, 9);
  });

  it("say what is wrong with the key: none yet, one that others can read, one that the server refuses", async () => {
    const driver = openOn("host1");
    rmSync(secretKeyFile);
    await assert.rejects(driver.begin(newUuid()), { kind: "unavailable" });
    writeFileSync(secretKeyFile, "secret");
    chmodSync(secretKeyFile, 0o644);
    await assert.rejects(driver.begin(newUuid()), /can be read by others/);
    chmodSync(secretKeyFile, 0o600);
    writeFileSync(secretKeyFile, "another");
    await assert.rejects(driver.begin(newUuid()), { kind: "internal" });
    writeFileSync(secretKeyFile, "secret");
    const draft = await driver.begin(newUuid());
    await driver.abandon(draft);
  });
});
