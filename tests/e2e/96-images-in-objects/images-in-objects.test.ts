import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { waitUntil } from "@andromede/base/waiting";
import { listKeys } from "@andromede/s3-client/bucket";
import type { S3Client } from "@andromede/s3-client/client";
import { listMultiparts } from "@andromede/s3-client/multipart";
import { type S3Place, openS3Place } from "@andromede/s3-client/place";

import { type Cloud, describeCloud } from "../support/cloud.ts";
import { type Key, inGuest, makeKey } from "../support/guest.ts";
import { pidOf } from "../support/programs.ts";
import { type Scene, giveAddress, makeScene, startServer, waitForStatus } from "../support/scene.ts";

const MIB = 1024 * 1024;
const json = ["-f", "json"];
const LIMIT = { timeoutMs: 120_000, everyMs: 100 };
type Shown = { id: string; status: string; properties: { os_hash_value: string } };

describe("images in the object store", () => {
  let cloud: Cloud;
  let key: Key;
  let scene: Scene;
  let bucket: S3Client | undefined;
  let home: string;
  let mini: string;

  const client = (): S3Client => {
    assert.ok(bucket);
    return bucket;
  };
  /** The objects of an image, and uploads of it that are not complete, as the service shows them. */
  const keysOf = async (id: string): Promise<string[]> => {
    const keys: string[] = [];
    for await (const page of listKeys(client(), "images/")) keys.push(...page);
    for await (const page of listMultiparts(client(), "images/")) keys.push(...page.map((upload) => upload.key));
    return keys.filter((name) => name.startsWith(`images/${id}.`));
  };
  const directoryOf = (...names: string[]): string => join(cloud.directory, "images", ...names);
  const filesOf = (id: string): string[] =>
    ["", "incoming", "copies"]
      .filter((name) => existsSync(directoryOf(name)))
      .flatMap((name) => readdirSync(directoryOf(name)))
      .filter((name) => name.startsWith(id));
  const dropCopies = (): void => {
    for (const name of readdirSync(directoryOf("copies"))) rmSync(directoryOf("copies", name));
  };
  const show = (id: string): Promise<Shown> => cloud.openstack("image", "show", id, ...json);
  const noneLeft = (id: string): Promise<unknown> =>
    waitUntil(`nothing of image ${id}`, async () => (await keysOf(id)).length + filesOf(id).length === 0, LIMIT);

  before(async () => {
    cloud = describeCloud("e2e-images");
    home = mkdtempSync(join(tmpdir(), "andromede-images-"));
    await cloud.tryAndromede("down", "--purge", "--yes", "--keep-engines");
    await cloud.andromede("up");
    mini = ((await cloud.openstack("image", "show", "mini", ...json)) as Shown).id;
    assert.equal(filesOf(mini).length, 1);
    const settings = join(home, "settings.json");
    writeFileSync(settings, JSON.stringify({ imageStore: { driver: "objects" } }));
    await cloud.andromede("up", "--settings", settings);
    const config = JSON.parse(readFileSync(join(cloud.directory, "programs/control-plane.json"), "utf8")) as {
      imageStore: S3Place;
    };
    bucket = openS3Place(config.imageStore);
    key = await makeKey();
  });
  after(async () => {
    bucket?.close();
    rmSync(home, { recursive: true });
    await cloud.andromede("down", "--purge", "--yes", "--keep-engines");
  });

  it("are brought there from where they were", async () => {
    await waitUntil("the image in the bucket", async () => (await keysOf(mini)).length === 1, LIMIT);
    const isTaken = (): boolean => !readdirSync(directoryOf()).some((name) => name.startsWith(mini));
    await waitUntil("the file that is a copy now", isTaken, LIMIT);
    const back = join(home, "back.json");
    writeFileSync(back, "{}");
    assert.match((await cloud.tryAndromede("up", "--settings", back)).stderr, /images of instance .* are in a bucket/);
  });

  it("make servers, whose own images go there too", async () => {
    dropCopies();
    scene = await makeScene(cloud, "objects", key);
    const server = await startServer(cloud, scene, "from-the-bucket");
    await waitForStatus(cloud, server, "ACTIVE");
    assert.equal(await inGuest(key, await giveAddress(cloud, server), "hostname"), "from-the-bucket");
    const made: Shown = await cloud.openstack(
      "server",
      "image",
      "create",
      server,
      "--name",
      "of-a-server",
      "--wait",
      ...json,
    );
    assert.equal((await keysOf(made.id)).length, 1);
    await cloud.openstack("image", "delete", made.id);
    await noneLeft(made.id);
    await cloud.openstack("server", "delete", server, "--wait");
  });

  it("are uploaded, downloaded and deleted there", async () => {
    const file = join(home, "disk.raw");
    const bytes = randomBytes(40 * MIB + 1);
    writeFileSync(file, bytes);
    const { id }: Shown = await cloud.openstack("image", "create", "disk", "--file", file, ...json);
    const image = await show(id);
    assert.equal(image.properties.os_hash_value, createHash("sha512").update(bytes).digest("hex"));
    assert.equal((await keysOf(id)).length, 1);
    dropCopies();
    const got = join(home, "got.raw");
    await cloud.openstack("image", "save", id, "--file", got);
    assert.ok(readFileSync(got).equals(bytes));
    await cloud.openstack("image", "delete", id);
    await noneLeft(id);
  });

  it("leave nothing there when the control plane dies in the middle of an upload", async () => {
    const file = join(home, "large.raw");
    writeFileSync(file, Buffer.alloc(400 * MIB));
    const pid = await pidOf(cloud, "control-plane");
    const underWay = async (): Promise<string | undefined> => {
      for await (const [upload] of listMultiparts(client(), "images/")) return upload?.key.slice("images/".length, -17);
      return undefined;
    };
    const uploading = cloud.tryOpenstack("image", "create", "cut", "--file", file);
    const id = await waitUntil("an upload in parts", underWay, { ...LIMIT, everyMs: 5 });
    process.kill(pid, "SIGKILL");
    const uploaded = await uploading;
    assert.notEqual(uploaded.code, 0);
    await pidOf(cloud, "control-plane", pid);
    await noneLeft(id);
    const isBack = async (): Promise<boolean> => (await show(id)).status === "queued";
    await waitUntil("the image as it was", isBack, LIMIT);
    await cloud.openstack("image", "delete", id);
  });
});
