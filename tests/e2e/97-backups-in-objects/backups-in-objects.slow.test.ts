import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, openSync, readSync, readFileSync, readdirSync, rmSync, writeFileSync, closeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { waitUntil } from "@andromede/base/waiting";
import type { Cloud as Api } from "@andromede/openstack-client/client";
import { listKeys } from "@andromede/s3-client/bucket";
import type { S3Client } from "@andromede/s3-client/client";
import { type S3Place, openS3Place } from "@andromede/s3-client/place";

import { connectApi } from "../support/api.ts";
import { type Cloud, describeCloud } from "../support/cloud.ts";
import { pidOf } from "../support/programs.ts";

const MIB = 1024 * 1024;
const CONTENT_BYTES = 200 * MIB;
const json = ["-f", "json"];
const LIMIT = { timeoutMs: 120_000, everyMs: 100 };
const MARKER = Buffer.from("Liberte-Egalite-Fraternite-9876543210");

describe("backups of volumes in the object store", () => {
  let cloud: Cloud;
  let api: Api;
  let bucket: S3Client | undefined;
  let home: string;
  let volumeId: string;
  let digest: string;
  const made: { [name: string]: string } = {};

  const client = (): S3Client => {
    assert.ok(bucket);
    return bucket;
  };
  const keys = async (): Promise<string[]> => (await Array.fromAsync(listKeys(client(), "backups/"))).flat();
  const call = <T>(method: string, path: string, body?: unknown): Promise<T> =>
    api.call<T>("volumev3", method, path, { ...(body === undefined ? {} : { body }), timeoutMs: 30_000 });
  const until = (kind: "volumes" | "backups", id: string, wanted: string): Promise<unknown> =>
    waitUntil(
      `${kind} ${id} ${wanted}`,
      async () => {
        const found = await call<{ [kind: string]: { status: string } }>("GET", `/${kind}/${id}`);
        const { status } = found[kind.slice(0, -1)] ?? { status: "" };
        assert.ok(!status.startsWith("error"), `${kind} ${id} is in ${status}`);
        return status === wanted;
      },
      LIMIT,
    );
  async function begin(name: string, incremental = false): Promise<string> {
    const backup = { name, volume_id: volumeId, incremental };
    const { id } = (await call<{ backup: { id: string } }>("POST", "/backups", { backup })).backup;
    made[name] = id;
    return id;
  }
  async function restored(backupId: string, meanwhile: (volumeId: string) => Promise<void>): Promise<string> {
    const answer = await call<{ restore: { volume_id: string } }>("POST", `/backups/${backupId}/restore`, {
      restore: {},
    });
    const id = answer.restore.volume_id;
    await meanwhile(id);
    await until("volumes", id, "available");
    await until("backups", backupId, "available");
    return id;
  }
  /** What is in a volume, by way of an image. */
  async function digestOf(id: string): Promise<string> {
    await cloud.openstack("image", "create", `of-${id}`, "--volume", id, "--disk-format", "raw", ...json);
    const isThere = async (): Promise<boolean> =>
      ((await cloud.openstack("image", "show", `of-${id}`, ...json)) as { status: string }).status === "active";
    await waitUntil(`the image of ${id}`, isThere, LIMIT);
    const file = join(home, "out.raw");
    await cloud.openstack("image", "save", `of-${id}`, "--file", file);
    await cloud.openstack("image", "delete", `of-${id}`);
    const content = Buffer.alloc(CONTENT_BYTES);
    const handle = openSync(file, "r");
    readSync(handle, content, 0, CONTENT_BYTES, 0);
    closeSync(handle);
    rmSync(file);
    return createHash("sha256").update(content).digest("hex");
  }
  const kill = async (program: string): Promise<void> => {
    const pid = await pidOf(cloud, program);
    process.kill(pid, "SIGKILL");
    await pidOf(cloud, program, pid);
  };
  const seen = (id: string): Promise<unknown> =>
    waitUntil("its first bytes", async () => (await keys()).some((key) => key.includes(id)), { ...LIMIT, everyMs: 10 });

  before(async () => {
    cloud = describeCloud("e2e-backups");
    home = mkdtempSync(join(tmpdir(), "andromede-backups-"));
    await cloud.tryAndromede("down", "--purge", "--yes", "--keep-engines");
    await cloud.andromede("up", "--no-images");
    api = connectApi(cloud);
    const file = join(home, "content.raw");
    const content = Buffer.concat([Buffer.alloc(MIB, MARKER), randomBytes(CONTENT_BYTES - MIB)]);
    writeFileSync(file, content);
    digest = createHash("sha256").update(content).digest("hex");
    await cloud.openstack("image", "create", "content", "--file", file, "--disk-format", "raw", ...json);
    const shown: { id: string } = await cloud.openstack("image", "show", "content", ...json);
    const volume = { name: "data", size: 1, imageRef: shown.id };
    volumeId = (await call<{ volume: { id: string } }>("POST", "/volumes", { volume })).volume.id;
    await until("volumes", volumeId, "available");
    await until("backups", await begin("in-files"), "available");

    const settings = join(home, "settings.json");
    writeFileSync(settings, JSON.stringify({ backupStore: { driver: "objects" } }));
    await cloud.andromede("up", "--no-images", "--settings", settings);
    const config = JSON.parse(readFileSync(join(cloud.directory, "programs/host-agent.json"), "utf8")) as {
      backupStore: S3Place;
    };
    bucket = openS3Place(config.backupStore);
  });
  after(async () => {
    bucket?.close();
    rmSync(home, { recursive: true });
    await cloud.andromede("down", "--purge", "--yes", "--keep-engines");
  });

  it("go on there where a chain began in files, and stay there", async () => {
    assert.deepEqual(await keys(), []);
    const id = await begin("on-top", true);
    await until("backups", id, "available");
    assert.ok((await keys()).every((key) => key.includes(id)));
    assert.deepEqual(readdirSync(join(cloud.directory, "backups")), [made["in-files"]]);
    assert.equal(await digestOf(await restored(id, () => Promise.resolve())), digest);
    const back = join(home, "back.json");
    writeFileSync(back, "{}");
    const refused = await cloud.tryAndromede("up", "--settings", back);
    assert.match(refused.stderr, /backups of volumes .* are in a bucket/);
  });

  for (const program of ["object-store", "host-agent@host1"]) {
    it(`come to their end when ${program} is killed while one is made, and while one is restored`, async () => {
      const id = await begin(program);
      await seen(id);
      await kill(program);
      await until("backups", id, "available");
      const volume = await restored(id, () => kill(program));
      assert.equal(await digestOf(volume), digest);
      await call("DELETE", `/volumes/${volume}`);
    });
  }

  it("cannot be read there, and are gone when they are deleted", async () => {
    let bytes = 0;
    for (const key of await keys()) {
      const answer = await client().send({ method: "GET", key }, [200]);
      const content = Buffer.concat((await answer.toArray()) as Buffer[]);
      assert.equal(content.indexOf(MARKER), -1, key);
      bytes += content.length;
    }
    assert.ok(bytes > 2 * (CONTENT_BYTES - MIB));
    for (const name of Object.keys(made).toReversed()) {
      const id = made[name] ?? "";
      await call("DELETE", `/backups/${id}`);
      const isGone = async (): Promise<boolean> => {
        const { backups } = await call<{ backups: { id: string }[] }>("GET", "/backups");
        return !backups.some((backup) => backup.id === id);
      };
      await waitUntil(`the end of backup ${name}`, isGone, LIMIT);
    }
    assert.deepEqual(await keys(), []);
    assert.deepEqual(readdirSync(join(cloud.directory, "backups")), []);
  });
});
