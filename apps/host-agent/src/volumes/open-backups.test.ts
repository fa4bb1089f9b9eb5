import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { newUuid } from "@andromede/base/ids";
import { type FakeS3, startFakeS3 } from "@andromede/s3-client/testing/fake-s3";

import type { BackupDriver, BackupPlace } from "./backup-driver.ts";
import { openBackups } from "./open-backups.ts";

const NOBODY = new AbortController().signal;

describe("backups that were kept in files and are now kept in a bucket", () => {
  const home = mkdtempSync(join(tmpdir(), "andromede-backups-"));
  const secretKeyFile = join(home, "secret");
  const directory = join(home, "backups");
  const opened: BackupDriver[] = [];
  let server: FakeS3;
  let bucket: BackupPlace;

  before(async () => {
    server = await startFakeS3({ region: "paris", accessKey: "key", secretKey: "secret" });
    writeFileSync(secretKeyFile, "secret\n", { mode: 0o600 });
    const there = { endpoint: server.url, region: "paris", bucket: "kept", accessKey: "key", secretKeyFile };
    bucket = { driver: "s3", directory, ...there };
  });
  after(async () => {
    for (const driver of opened) driver.close();
    await server.close();
    rmSync(home, { recursive: true });
  });

  async function open(place: BackupPlace): Promise<BackupDriver> {
    const driver = openBackups(place, { host: "host1", now: () => 0, warn: assert.ifError });
    opened.push(driver);
    await driver.start();
    return driver;
  }
  async function make(driver: BackupDriver, backupId: string, content: string): Promise<void> {
    const draft = await driver.begin(backupId);
    const writer = await driver.openDraft(draft);
    await writer.append(Buffer.from(content));
    await writer.finish(Buffer.from(`manifest of ${content}`));
    await writer.close();
    await driver.publish(draft, NOBODY);
  }
  async function contentOf(driver: BackupDriver, backupId: string): Promise<string> {
    const reader = await driver.openPieces(backupId);
    const content = (await reader.read(0, 3)).toString();
    await reader.close();
    assert.equal((await driver.readManifest(backupId)).toString(), `manifest of ${content}`);
    assert.equal((await driver.readManifestHead(backupId))?.toString(), `manifest of ${content}`);
    return content;
  }

  it("are found, restored and removed where they are; new ones are made in the bucket", async () => {
    const [oldId, newId] = [newUuid(), newUuid()];
    await make(await open({ driver: "files", directory }), oldId, "old");
    const driver = await open(bucket);
    await make(driver, newId, "new");
    assert.ok(!existsSync(join(directory, newId)));
    assert.equal(server.objects.size, 3);
    assert.equal(await contentOf(driver, oldId), "old");
    assert.equal(await contentOf(driver, newId), "new");
    for (const id of [oldId, newId, newUuid()]) await driver.remove(id, () => undefined);
    assert.ok(!existsSync(join(directory, oldId)));
    assert.equal(server.objects.size, 0);
    assert.equal(await driver.readManifestHead(oldId), null);
    await assert.rejects(driver.readManifest(oldId), { kind: "notFound" });
  });

  it("are not thought to be nowhere when the bucket does not answer", async () => {
    const driver = await open(bucket);
    const id = newUuid();
    await make(driver, id, "new");
    server.fail.push(403);
    await assert.rejects(driver.readManifest(id), { kind: "internal" });
    assert.equal(await contentOf(driver, id), "new");
  });
});
