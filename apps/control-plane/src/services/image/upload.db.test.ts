import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { type IncomingMessage, request as httpRequest } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, describe, it } from "node:test";

import { newHexId } from "@andromede/base/ids";
import { waitUntil } from "@andromede/base/waiting";
import { engineRoot } from "@andromede/testkit/engines";
import type { FastifyInstance } from "fastify";

import { insertKeys } from "../../reconcile/queue.ts";
import { createHttpServer } from "../../http/server.ts";
import { type TestApp, createTestApp } from "../../testing/test-app.ts";
import { type TestBucket, createTestBucket } from "../../testing/test-bucket.ts";
import { reasonNotBootable } from "./images/image.model.ts";
import { findImage } from "./images/image.queries.ts";
import { type BootImage, bootImageById, imageFile, imageForBoot } from "./public.ts";
import { imageReconcilers } from "./reconcilers.ts";
import { imageService } from "./service.ts";
import { imageStoreReconciler } from "./images/image.reconciler.ts";

const MIB = 1024 * 1024;
const LIMITS = { maxBytes: 64 * MIB, maxVirtualBytes: 4096 * MIB, projectBytes: 40 * MIB };

for (const driver of ["files", "s3"] as const) {
  describe(`images in ${driver}`, () => {
    let cloud: TestApp;
    let server: FastifyInstance;
    let port: number;
    /** A file system of 24 MiB, so that a full disk is a real one. */
    let disk: string;
    let bucket: TestBucket | null = null;

    before(async () => {
      disk = mkdtempSync(join(tmpdir(), "andromede-image-disk-"));
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=24m", "tmpfs", disk]);
      const directory = join(disk, "images");
      bucket = driver === "s3" ? await createTestBucket() : null;
      cloud = await createTestApp({
        services: [imageService],
        reconcilers: imageReconcilers,
        config: {
          imageStore: bucket === null ? { driver: "files", directory } : { driver: "s3", directory, ...bucket.place },
          jail: { engineRoot: engineRoot() },
          image: LIMITS,
        },
      });
      server = createHttpServer(cloud.app, { plane: "customer", baseUrl: "http://customer.test" }, [imageService]);
      await server.listen({ host: "127.0.0.1", port: 0 });
      ({ port } = server.server.address() as AddressInfo);
    });
    after(async () => {
      server.server.closeAllConnections();
      await server.close();
      await cloud.close();
      await bucket?.stop();
      execFileSync("umount", [disk]);
      rmSync(disk, { recursive: true });
    });

    type Owner = { token: string; projectId: string };
    const somebody = (): Owner => {
      const projectId = newHexId();
      return { token: cloud.tokenFor({ projectId }), projectId };
    };

    async function create(owner: Owner, body: object = {}): Promise<string> {
      const answer = await cloud.inject({
        method: "POST",
        url: "/image/v2/images",
        token: owner.token,
        body: { name: "i", disk_format: "raw", container_format: "bare", ...body },
      });
      assert.equal(answer.status, 201, answer.text);
      return answer.body["id"];
    }

    type Put = { status: number; text: string };

    /** A real upload over a socket; chunked unless a length is given. */
    function put(
      owner: Owner,
      id: string,
      data: Buffer | Buffer[],
      headers: { [name: string]: string | number } = {},
    ): Promise<Put> {
      const parts = Array.isArray(data) ? data : [data];
      return new Promise((resolve, reject) => {
        const sending = httpRequest(
          {
            port,
            method: "PUT",
            path: `/image/v2/images/${id}/file`,
            headers: { "x-auth-token": owner.token, "content-type": "application/octet-stream", ...headers },
          },
          (answer: IncomingMessage) => {
            const chunks: Buffer[] = [];
            answer.on("data", (chunk: Buffer) => chunks.push(chunk));
            answer.once("end", () =>
              resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
            );
          },
        );
        sending.once("error", reject);
        for (const part of parts) sending.write(part);
        sending.end();
      });
    }

    const putSized = (owner: Owner, id: string, data: Buffer, headers: { [name: string]: string } = {}): Promise<Put> =>
      put(owner, id, data, { "content-length": data.length, ...headers });

    const show = async (owner: Owner, id: string) =>
      (await cloud.inject({ method: "GET", url: `/image/v2/images/${id}`, token: owner.token })).body;
    const remove = (owner: Owner, id: string) =>
      cloud.inject({ method: "DELETE", url: `/image/v2/images/${id}`, token: owner.token });

    /** Names of what an image has anywhere in the store: each once, however many places have it. */
    async function filesOf(id: string): Promise<string[]> {
      const store = cloud.app.config.imageStore.directory;
      const here = ["", "incoming", "copies"].map((name) => join(store, name)).filter((path) => existsSync(path));
      const keys = (await bucket?.keys())?.map((key) => basename(key)) ?? [];
      const names = [...here.flatMap((path) => readdirSync(path)), ...keys];
      return [...new Set(names)].filter((name) => name.startsWith(id));
    }

    /** From here on whoever wants bytes of a bucket must go there. */
    function dropCopies(): void {
      rmSync(join(cloud.app.config.imageStore.directory, "copies"), { recursive: true, force: true });
      mkdirSync(join(cloud.app.config.imageStore.directory, "copies"));
    }

    async function fileOf(image: BootImage): Promise<string> {
      const file = await imageFile(cloud.app, image);
      assert.ok("path" in file, JSON.stringify(file));
      return file.path;
    }

    async function assertUntouched(owner: Owner, id: string): Promise<void> {
      const image = await show(owner, id);
      assert.deepEqual(
        [image["status"], image["size"], image["checksum"], image["os_hash_value"]],
        ["queued", null, null, null],
      );
      assert.deepEqual(await filesOf(id), []);
    }

    /** Sends a request's beginning and cuts the connection. */
    async function putAndCut(owner: Owner, id: string, head: string, part: Buffer): Promise<void> {
      const socket = connect(port, "127.0.0.1");
      socket.write(
        `PUT /image/v2/images/${id}/file HTTP/1.1\r\nHost: x\r\nX-Auth-Token: ${owner.token}\r\nContent-Type: application/octet-stream\r\n${head}\r\n\r\n`,
      );
      socket.write(part);
      await waitUntil("the upload to begin", async () => (await show(owner, id))["status"] === "saving", {
        timeoutMs: 30_000,
        everyMs: 5,
      });
      socket.destroy();
      await waitUntil(
        "the upload to be undone",
        async () => (await show(owner, id))["status"] === "queued" && (await filesOf(id)).length === 0,
        { timeoutMs: 30_000, everyMs: 5 },
      );
    }

    const get = (owner: Owner, id: string, headers: { [name: string]: string } = {}): Promise<Buffer> =>
      new Promise((resolve, reject) => {
        httpRequest(
          { port, path: `/image/v2/images/${id}/file`, headers: { "x-auth-token": owner.token, ...headers } },
          (answer) => {
            const chunks: Buffer[] = [];
            answer.on("data", (chunk: Buffer) => chunks.push(chunk));
            answer.once("error", reject);
            answer.once("end", () => resolve(Buffer.concat(chunks)));
          },
        )
          .once("error", reject)
          .end();
      });

    describe("an upload", () => {
      it("of any size, chunked or not, arrives as it was sent", async () => {
        const owner = somebody();
        for (const size of [0, 1, MIB, MIB + 1, 9 * MIB + 5]) {
          for (const way of ["sized", "chunked"] as const) {
            const id = await create(owner);
            const data = randomBytes(size);
            const answer =
              way === "sized"
                ? await putSized(owner, id, data)
                : await put(owner, id, [data.subarray(0, size >> 1), data.subarray(size >> 1)]);
            assert.equal(answer.status, 204, answer.text);
            const image = await show(owner, id);
            assert.equal(image["os_hash_value"], createHash("sha512").update(data).digest("hex"), `${size} ${way}`);
            assert.equal((await filesOf(id)).length, 1);
            dropCopies();
            assert.ok((await get(owner, id)).equals(data));
            await remove(owner, id);
            await cloud.drain();
            assert.deepEqual(await filesOf(id), []);
          }
        }
      });

      it("that is cut leaves nothing, and can be tried again", async () => {
        const owner = somebody();
        const id = await create(owner);
        await putAndCut(owner, id, `Content-Length: ${8 * MIB}`, Buffer.alloc(3 * MIB));
        await assertUntouched(owner, id);
        await putAndCut(
          owner,
          id,
          "Transfer-Encoding: chunked",
          Buffer.concat([Buffer.from("100000\r\n"), Buffer.alloc(MIB), Buffer.from("\r\n")]),
        );
        await assertUntouched(owner, id);
        assert.equal((await put(owner, id, Buffer.from("whole"))).status, 204);
        const events = await cloud.app.db<
          { outcome: string }[]
        >`select outcome from event where target_id = ${id} and action = 'image.image.upload' order by id`;
        assert.deepEqual(events.map(({ outcome }) => outcome).toSorted(), ["failure", "failure", "success"]);
      });

      it("with the wrong checksum is refused, with the right one taken", async () => {
        const owner = somebody();
        const data = Buffer.from("some data");
        const digest = (algorithm: string, text: Buffer | string) =>
          createHash(algorithm).update(text).digest("base64");
        const headers = (text: Buffer | string): { [name: string]: string }[] => [
          { "content-md5": digest("md5", text) },
          { "content-md5": createHash("md5").update(text).digest("hex") },
          { "content-digest": `sha-512=:${digest("sha512", text)}:` },
          { "repr-digest": `unknown=:AAAA:, sha-256=:${digest("sha256", text)}:` },
          { digest: `SHA-512=${digest("sha512", text)}` },
        ];
        for (const wrong of headers("other data")) {
          const id = await create(owner);
          const answer = await putSized(owner, id, data, wrong);
          assert.equal(answer.status, 400, JSON.stringify(wrong));
          assert.match(answer.text, /checksum of the data does not match/);
          await assertUntouched(owner, id);
        }
        for (const right of headers(data))
          assert.equal((await putSized(owner, await create(owner), data, right)).status, 204, JSON.stringify(right));
        const id = await create(owner);
        assert.equal((await putSized(owner, id, data, { "content-md5": "odd" })).status, 400);
        assert.equal((await putSized(owner, id, data, { "content-digest": "sha-512=odd" })).status, 400);
        assert.equal((await putSized(owner, id, data, { "content-type": "text/plain" })).status, 415);
        await assertUntouched(owner, id);
      });

      it("that fills the disk is refused, at once or on the way, and leaves the disk as it was", async () => {
        const owner = somebody();
        const id = await create(owner);
        dropCopies();
        const before = execFileSync("df", ["--output=used", disk]).toString();
        const sized = await putSized(owner, id, Buffer.alloc(30 * MIB));
        assert.deepEqual([sized.status, /media is full/.test(sized.text)], [413, true]);
        const chunked = await put(
          owner,
          id,
          Array.from({ length: 30 }, () => randomBytes(MIB)),
        );
        assert.deepEqual([chunked.status, /media is full/.test(chunked.text)], [413, true]);
        await assertUntouched(owner, id);
        assert.equal(execFileSync("df", ["--output=used", disk]).toString(), before);
      });

      it("larger than the limit or the project's quota is refused, and two at once do not get past it", async () => {
        const owner = somebody();
        const id = await create(owner);
        const socket = connect(port, "127.0.0.1");
        const answer = new Promise<string>((resolve) =>
          socket.once("data", (data: Buffer) => resolve(data.toString())),
        );
        socket.write(
          `PUT /image/v2/images/${id}/file HTTP/1.1\r\nHost: x\r\nX-Auth-Token: ${owner.token}\r\nContent-Type: application/octet-stream\r\nContent-Length: ${65 * MIB}\r\n\r\n`,
        );
        assert.match(await answer, /^HTTP\/1.1 413 [\s\S]*limit of/);
        socket.destroy();
        await assertUntouched(owner, id);
        await cloud.app.db`insert into image_quota (project_id, max_bytes) values (${owner.projectId}, ${3 * MIB})
      on conflict (project_id) do update set max_bytes = excluded.max_bytes`;
        const racing = await Promise.all([create(owner), create(owner), create(owner)]);
        const answers = await Promise.all(racing.map((one) => putSized(owner, one, Buffer.alloc(2 * MIB))));
        assert.deepEqual(
          answers.map(({ status }) => status).toSorted((a, b) => a - b),
          [204, 413, 413],
        );
        const chunked = await Promise.all(
          [create(owner), create(owner)].map(async (one) =>
            put(owner, await one, [Buffer.alloc(600_000), Buffer.alloc(100)]),
          ),
        );
        assert.deepEqual(
          chunked.map(({ status }) => status).toSorted((a, b) => a - b),
          [204, 413],
        );
        assert.match(chunked.find(({ status }) => status === 413)?.text ?? "", /exceeds the (storage quota|limit)/);
        const [row] = await cloud.app.db<
          { bytes: number }[]
        >`select sum(size_bytes)::bigint as bytes from image where project_id = ${owner.projectId}`;
        assert.equal(row?.bytes, 2 * MIB + 600_100);
      });

      it("to an image that is deleted meanwhile finds it gone, and leaves nothing", async () => {
        const owner = somebody();
        const id = await create(owner);
        const sending = httpRequest({
          port,
          method: "PUT",
          path: `/image/v2/images/${id}/file`,
          headers: { "x-auth-token": owner.token, "content-type": "application/octet-stream" },
        });
        const status = new Promise<number>((resolve, reject) => {
          sending.once("response", (answer) => resolve(answer.resume().statusCode ?? 0));
          sending.once("error", reject);
        });
        sending.write(Buffer.alloc(2 * MIB));
        await waitUntil("the upload to begin", async () => (await filesOf(id)).length === 1, {
          timeoutMs: 30_000,
          everyMs: 5,
        });
        assert.equal((await put(owner, id, Buffer.from("x"))).status, 409, "one upload at a time");
        assert.equal((await remove(owner, id)).status, 204);
        await cloud.drain();
        sending.end(Buffer.alloc(MIB));
        assert.equal(await status, 410);
        await waitUntil("no file", async () => (await filesOf(id)).length === 0, { timeoutMs: 30_000, everyMs: 5 });
      });
    });

    describe("a download", () => {
      const openFiles = (id: string): number =>
        readdirSync("/proc/self/fd").filter((name) => {
          try {
            return readlinkSync(`/proc/self/fd/${name}`).includes(id);
          } catch {
            return false; // closed while we looked
          }
        }).length;

      it("gives every byte, to many at a time, and closes its file", async () => {
        const owner = somebody();
        const id = await create(owner);
        const data = randomBytes(7 * MIB + 123);
        await put(owner, id, data);
        for (const copy of await Promise.all(Array.from({ length: 6 }, () => get(owner, id))))
          assert.ok(copy.equals(data));
        await waitUntil("closed files", () => openFiles(id) === 0, { timeoutMs: 30_000, everyMs: 5 });
        await remove(owner, id);
      });

      it("of a part gives that part, wherever the bytes are", async () => {
        const owner = somebody();
        const id = await create(owner);
        // more than one part of an upload in parts
        const data = randomBytes(17 * MIB + 11);
        assert.equal((await put(owner, id, data)).status, 204);
        for (const place of ["here", "there"]) {
          if (place === "there") dropCopies();
          for (const [first, last] of [
            [0, 0],
            [5, 3 * MIB],
            [16 * MIB - 1, 16 * MIB],
            [data.length - 1, data.length - 1],
          ] as const) {
            const part = await get(owner, id, { range: `bytes=${first}-${last}` });
            assert.ok(part.equals(data.subarray(first, last + 1)), `${first}-${last} ${place}`);
          }
          assert.ok((await get(owner, id)).equals(data), place);
        }
        await remove(owner, id);
        await cloud.drain();
      });

      it("whose client leaves closes its file; one that has begun outlives its image", async () => {
        const owner = somebody();
        const id = await create(owner);
        await put(owner, id, randomBytes(16 * MIB));
        const begin = async () => {
          const socket = connect(port, "127.0.0.1");
          const begun = new Promise<void>((resolve) => socket.once("readable", () => resolve()));
          socket.write(
            `GET /image/v2/images/${id}/file HTTP/1.1\r\nHost: x\r\nX-Auth-Token: ${owner.token}\r\nConnection: close\r\n\r\n`,
          );
          await begun;
          return socket;
        };
        const leaver = await begin();
        assert.equal(openFiles(id), 1);
        leaver.destroy();
        await waitUntil("a closed file", () => openFiles(id) === 0, { timeoutMs: 30_000, everyMs: 5 });
        const stayer = await begin();
        await remove(owner, id);
        await cloud.drain();
        assert.deepEqual(await filesOf(id), []);
        let received = 0;
        for await (const chunk of stayer as AsyncIterable<Buffer>) received += chunk.length;
        assert.ok(received > 16 * MIB, `${received}`);
      });
    });

    describe("after a crash", () => {
      it("an upload that nobody is on any more is undone once its lease has run out", async () => {
        const owner = somebody();
        const id = await create(owner);
        const uploadId = "00112233aabbccdd";
        const store = cloud.app.config.imageStore.directory;
        for (const directory of [store, join(store, "incoming")])
          writeFileSync(join(directory, `${id}.${uploadId}`), "half");
        await bucket?.put(`images/${id}.${uploadId}`, "whole");
        await bucket?.begin(`images/${id}.${uploadId}`);
        await cloud.app
          .db`update image set status = 'saving', upload_id = ${uploadId}, upload_until = now() + interval '0.3 seconds', reserved_bytes = 9 where id = ${id}`;
        await insertKeys(cloud.app.db, [`image/${id}`]);
        cloud.app.reconcile.wake();
        await waitUntil("the upload to be undone", async () => (await show(owner, id))["status"] === "queued", {
          timeoutMs: 30_000,
          everyMs: 10,
        });
        await cloud.drain();
        await assertUntouched(owner, id);
        assert.equal((await put(owner, id, Buffer.from("again"))).status, 204);
      });

      it("files that no image counts on are swept, others are not", async () => {
        const owner = somebody();
        const id = await create(owner);
        await put(owner, id, Buffer.from("kept"));
        const store = cloud.app.config.imageStore.directory;
        const orphans = [
          join(store, "incoming", "6c8b5c2e-1111-4222-8333-00000000000a.00112233aabbccdd"),
          join(store, `${id}.00112233aabbccde`),
        ];
        for (const orphan of orphans) writeFileSync(orphan, "x");
        await bucket?.put("images/6c8b5c2e-1111-4222-8333-00000000000b.00112233aabbccdd", "x");
        await bucket?.begin("images/6c8b5c2e-1111-4222-8333-00000000000c.00112233aabbccdd");
        await bucket?.put("images/README", "not ours");
        writeFileSync(join(store, "README"), "not ours");
        await imageStoreReconciler.reconcile(cloud.app, "sweep");
        for (const orphan of orphans) assert.throws(() => statSync(orphan), /ENOENT/);
        assert.equal((await filesOf(id)).length, 1);
        assert.equal(readFileSync(join(store, "README"), "utf8"), "not ours");
        assert.equal(await bucket?.read("images/README"), bucket === null ? undefined : "not ours");
        assert.deepEqual(
          (await bucket?.keys())?.filter((key) => key.includes("6c8b5c2e-1111")),
          bucket === null ? undefined : [],
        );
      });

      it("a checksum that was put off is made up for", async () => {
        const owner = somebody();
        const id = await create(owner);
        await put(owner, id, Buffer.from("data"));
        const stored = async (): Promise<string | null> =>
          (await cloud.app.db<{ checksum: string | null }[]>`select checksum from image where id = ${id}`)[0]
            ?.checksum ?? null;
        const putOff = (age: string) =>
          cloud.app.db`update image set checksum = null, updated_at = now() - ${age}::interval where id = ${id}`;
        const expected = createHash("md5").update("data").digest("hex");
        await putOff("1 minute");
        await insertKeys(cloud.app.db, [`image/${id}`]);
        await cloud.drain();
        assert.equal(await stored(), expected, "by the reconciler");
        await putOff("0 seconds");
        await insertKeys(cloud.app.db, [`image/${id}`]);
        await cloud.drain();
        assert.equal(await stored(), null, "which is in no hurry");
        const shown = await Promise.all([show(owner, id), show(owner, id)]);
        assert.deepEqual(
          shown.map((image) => image["checksum"]),
          [expected, expected],
        );
        assert.equal(await stored(), expected, "by who asked for it");
      });

      it("an image whose bytes are gone is still shown, and not given", async () => {
        const owner = somebody();
        const id = await create(owner);
        await put(owner, id, Buffer.from("data"));
        await cloud.app.db`update image set checksum = null where id = ${id}`;
        const [name = ""] = await filesOf(id);
        for (const below of ["", "copies"])
          rmSync(join(cloud.app.config.imageStore.directory, below, name), { force: true });
        await bucket?.remove(`images/${name}`);
        assert.deepEqual([(await show(owner, id))["status"], (await show(owner, id))["checksum"]], ["active", null]);
        assert.equal(
          (await cloud.inject({ method: "GET", url: `/image/v2/images/${id}/file`, token: owner.token })).status,
          503,
        );
        assert.equal((await remove(owner, id)).status, 204);
        await cloud.drain();
      });
    });

    describe("contents", () => {
      const make = (...args: string[]): Buffer => {
        const directory = mkdtempSync(join(tmpdir(), "andromede-qcow2-"));
        try {
          const inRoot = [
            "--ro-bind",
            engineRoot(),
            "/",
            "--dev",
            "/dev",
            "--tmpfs",
            "/tmp",
            "--bind",
            directory,
            "/tmp",
          ];
          execFileSync("bwrap", [
            ...inRoot,
            "--chdir",
            "/tmp",
            "--",
            "qemu-img",
            "create",
            "-q",
            "-f",
            "qcow2",
            ...args,
          ]);
          return readFileSync(join(directory, "disk.qcow2"));
        } finally {
          rmSync(directory, { recursive: true });
        }
      };

      it("of a qcow2 disk are looked into", async () => {
        const owner = somebody();
        const id = await create(owner, { disk_format: "qcow2" });
        assert.equal((await put(owner, id, make("disk.qcow2", "1G"))).status, 204);
        assert.equal((await show(owner, id))["virtual_size"], 1024 * MIB);
        const actor = { ...(cloud.app.tokens.verify(owner.token, Date.now()) as never as object) } as never;
        const image = await imageForBoot(cloud.app.db, { actor, plane: "customer" }, id);
        assert.deepEqual([image.format, image.virtualSizeBytes, image.name], ["qcow2", 1024 * MIB, "i"]);
        assert.equal(
          createHash("sha512")
            .update(readFileSync(await fileOf(image)))
            .digest("hex"),
          image.sha512,
        );
        assert.deepEqual(await bootImageById(cloud.app.db, id), image);
        const stranger = cloud.app.tokens.verify(somebody().token, Date.now()) as never;
        await assert.rejects(imageForBoot(cloud.app.db, { actor: stranger, plane: "customer" }, id), {
          kind: "notFound",
        });
      });

      it("that could reach other files of the host, or promise too much, are refused", async () => {
        const owner = somebody();
        const good = make("disk.qcow2", "1G");
        const claimSnapshots = (bytes: Buffer): void => {
          bytes.writeUInt32BE(65_536, 60);
          bytes.writeBigUInt64BE(0x30000n, 64);
        };
        const patched = (change: (bytes: Buffer) => void): Buffer => {
          const bytes = Buffer.from(good);
          change(bytes);
          return bytes;
        };
        const cases: [string, string, Buffer, RegExp][] = [
          ["backing file", "qcow2", make("-u", "-b", "/etc/shadow", "-F", "raw", "disk.qcow2", "1G"), /backing file/],
          [
            "data file",
            "qcow2",
            make("-o", "data_file=/tmp/x,data_file_raw=on", "disk.qcow2", "1G"),
            /external data file/,
          ],
          ["too large inside", "qcow2", make("disk.qcow2", "5G"), /virtual size of 5368709120 bytes exceeds/],
          [
            "unknown feature",
            "qcow2",
            patched((bytes) => bytes.writeUInt8(0x80, 72)),
            /features that are not supported/,
          ],
          ["corrupt", "qcow2", patched((bytes) => bytes.writeUInt8(2, 79)), /marked corrupt/],
          [
            "broken tables",
            "qcow2",
            patched((bytes) => bytes.writeBigUInt64BE(0xffff_ffff_ffffn, 40)),
            /cannot be read/,
          ],
          ["65,536 snapshots", "qcow2", patched(claimSnapshots), /takes too much to inspect/],
          ["a header alone", "qcow2", good.subarray(0, 60), /not supported/],
          ["qcow2 declared raw", "raw", good, /does not match disk format raw/],
          [
            "vmdk declared raw",
            "raw",
            Buffer.concat([Buffer.from("# Disk DescriptorFile\n"), Buffer.alloc(600)]),
            /does not match disk format raw/,
          ],
        ];
        for (const [what, format, data, expected] of cases) {
          const id = await create(owner, { disk_format: format });
          const answer = await putSized(owner, id, data);
          assert.deepEqual([what, answer.status], [what, 400], answer.text);
          assert.match(answer.text, expected, what);
          await assertUntouched(owner, id);
        }
      });

      it("that are merely not what they were declared to be are kept, but not booted", async () => {
        const owner = somebody();
        const actor = cloud.app.tokens.verify(owner.token, Date.now()) as never;
        for (const container of ["ami", "ari", "aki", "bare", "ovf", "ova"]) {
          for (const format of ["ami", "ari", "aki", "vhd", "vmdk", "raw", "qcow2", "vdi", "iso"]) {
            const id = await create(owner, { disk_format: format, container_format: container });
            assert.equal((await put(owner, id, randomBytes(1024))).status, 204, `${container} ${format}`);
            assert.equal((await show(owner, id))["status"], "active");
            const bootable =
              (container === "bare" && ["raw", "iso", "ami"].includes(format)) ||
              (container === "ami" && format === "ami");
            const attempt = imageForBoot(cloud.app.db, { actor, plane: "customer" }, id);
            if (bootable) assert.equal((await attempt).format, "raw");
            else await assert.rejects(attempt, { kind: "invalid" }, `${container} ${format}`);
          }
        }
      });

      it("are not booted before they are there, nor while deactivated", async () => {
        const owner = somebody();
        const id = await create(owner);
        const image = await findImage(cloud.app.db, id);
        assert.match(reasonNotBootable(image as never) ?? "", /is not active/);
        assert.equal(await bootImageById(cloud.app.db, id), null);
        await put(owner, id, Buffer.from("x"));
        assert.notEqual(await bootImageById(cloud.app.db, id), null);
        await cloud.inject({ method: "POST", url: `/image/v2/images/${id}/actions/deactivate`, token: owner.token });
        assert.equal(await bootImageById(cloud.app.db, id), null);
      });
    });
  });
}
