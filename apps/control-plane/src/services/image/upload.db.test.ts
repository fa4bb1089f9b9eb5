import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { waitUntil } from "@andromede/base/waiting";

import { insertKeys } from "../../reconcile/queue.ts";
import { imageStoreReconciler } from "./images/image.reconciler.ts";
import { DRIVERS, type UploadStand, startUploadStand } from "./testing/upload-stand.ts";

const MIB = 1024 * 1024;

for (const driver of DRIVERS) {
  describe(`images in ${driver}`, () => {
    let stand: UploadStand;
    /** A file system of 24 MiB, so that a full disk is a real one. */
    let disk: string;
    before(async () => {
      disk = mkdtempSync(join(tmpdir(), "andromede-image-disk-"));
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=24m", "tmpfs", disk]);
      stand = await startUploadStand(driver, join(disk, "images"));
    });
    after(async () => {
      await stand.stop();
      execFileSync("umount", [disk]);
      rmSync(disk, { recursive: true });
    });

    describe("an upload", () => {
      it("of any size, chunked or not, arrives as it was sent", async () => {
        const owner = stand.somebody();
        for (const size of [0, 1, MIB, MIB + 1, 9 * MIB + 5]) {
          for (const way of ["sized", "chunked"] as const) {
            const id = await stand.create(owner);
            const data = randomBytes(size);
            const answer =
              way === "sized"
                ? await stand.putSized(owner, id, data)
                : await stand.put(owner, id, [data.subarray(0, size >> 1), data.subarray(size >> 1)]);
            assert.equal(answer.status, 204, answer.text);
            const image = await stand.show(owner, id);
            assert.equal(image["os_hash_value"], createHash("sha512").update(data).digest("hex"), `${size} ${way}`);
            assert.equal((await stand.filesOf(id)).length, 1);
            stand.dropCopies();
            assert.ok((await stand.get(owner, id)).equals(data));
            await stand.remove(owner, id);
            await stand.cloud.drain();
            assert.deepEqual(await stand.filesOf(id), []);
          }
        }
      });

      it("that is cut leaves nothing, and can be tried again", async () => {
        const owner = stand.somebody();
        const id = await stand.create(owner);
        await stand.putAndCut(owner, id, `Content-Length: ${8 * MIB}`, Buffer.alloc(3 * MIB));
        await stand.assertUntouched(owner, id);
        await stand.putAndCut(
          owner,
          id,
          "Transfer-Encoding: chunked",
          Buffer.concat([Buffer.from("100000\r\n"), Buffer.alloc(MIB), Buffer.from("\r\n")]),
        );
        await stand.assertUntouched(owner, id);
        assert.equal((await stand.put(owner, id, Buffer.from("whole"))).status, 204);
        const events = await stand.cloud.app.db<
          { outcome: string }[]
        >`select outcome from event where target_id = ${id} and action = 'image.image.upload' order by id`;
        assert.deepEqual(events.map(({ outcome }) => outcome).toSorted(), ["failure", "failure", "success"]);
      });

      it("with the wrong checksum is refused, with the right one taken", async () => {
        const owner = stand.somebody();
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
          const id = await stand.create(owner);
          const answer = await stand.putSized(owner, id, data, wrong);
          assert.equal(answer.status, 400, JSON.stringify(wrong));
          assert.match(answer.text, /checksum of the data does not match/);
          await stand.assertUntouched(owner, id);
        }
        for (const right of headers(data))
          assert.equal(
            (await stand.putSized(owner, await stand.create(owner), data, right)).status,
            204,
            JSON.stringify(right),
          );
        const id = await stand.create(owner);
        assert.equal((await stand.putSized(owner, id, data, { "content-md5": "odd" })).status, 400);
        assert.equal((await stand.putSized(owner, id, data, { "content-digest": "sha-512=odd" })).status, 400);
        assert.equal((await stand.putSized(owner, id, data, { "content-type": "text/plain" })).status, 415);
        await stand.assertUntouched(owner, id);
      });

      it("that fills the disk is refused, at once or on the way, and leaves the disk as it was", async () => {
        const owner = stand.somebody();
        const id = await stand.create(owner);
        stand.dropCopies();
        const before = execFileSync("df", ["--output=used", disk]).toString();
        const sized = await stand.putSized(owner, id, Buffer.alloc(30 * MIB));
        assert.deepEqual([sized.status, /media is full/.test(sized.text)], [413, true]);
        const chunked = await stand.put(
          owner,
          id,
          Array.from({ length: 30 }, () => randomBytes(MIB)),
        );
        assert.deepEqual([chunked.status, /media is full/.test(chunked.text)], [413, true]);
        await stand.assertUntouched(owner, id);
        assert.equal(execFileSync("df", ["--output=used", disk]).toString(), before);
      });

      it("larger than the limit or the project's quota is refused, and two at once do not get past it", async () => {
        const owner = stand.somebody();
        const id = await stand.create(owner);
        const socket = connect(stand.port, "127.0.0.1");
        const answer = new Promise<string>((resolve) =>
          socket.once("data", (data: Buffer) => resolve(data.toString())),
        );
        socket.write(
          `PUT /image/v2/images/${id}/file HTTP/1.1\r\nHost: x\r\nX-Auth-Token: ${owner.token}\r\nContent-Type: application/octet-stream\r\nContent-Length: ${65 * MIB}\r\n\r\n`,
        );
        assert.match(await answer, /^HTTP\/1.1 413 [\s\S]*limit of/);
        socket.destroy();
        await stand.assertUntouched(owner, id);
        await stand.cloud.app.db`insert into image_quota (project_id, max_bytes) values (${owner.projectId}, ${3 * MIB})
  on conflict (project_id) do update set max_bytes = excluded.max_bytes`;
        const racing = await Promise.all([stand.create(owner), stand.create(owner), stand.create(owner)]);
        const answers = await Promise.all(racing.map((one) => stand.putSized(owner, one, Buffer.alloc(2 * MIB))));
        assert.deepEqual(
          answers.map(({ status }) => status).toSorted((a, b) => a - b),
          [204, 413, 413],
        );
        const chunked = await Promise.all(
          [stand.create(owner), stand.create(owner)].map(async (one) =>
            stand.put(owner, await one, [Buffer.alloc(600_000), Buffer.alloc(100)]),
          ),
        );
        assert.deepEqual(
          chunked.map(({ status }) => status).toSorted((a, b) => a - b),
          [204, 413],
        );
        assert.match(chunked.find(({ status }) => status === 413)?.text ?? "", /exceeds the (storage quota|limit)/);
        const [row] = await stand.cloud.app.db<
          { bytes: number }[]
        >`select sum(size_bytes)::bigint as bytes from image where project_id = ${owner.projectId}`;
        assert.equal(row?.bytes, 2 * MIB + 600_100);
      });

      it("to an image that is deleted meanwhile finds it gone, and leaves nothing", async () => {
        const owner = stand.somebody();
        const id = await stand.create(owner);
        const sending = httpRequest({
          port: stand.port,
          method: "PUT",
          path: `/image/v2/images/${id}/file`,
          headers: { "x-auth-token": owner.token, "content-type": "application/octet-stream" },
        });
        const status = new Promise<number>((resolve, reject) => {
          sending.once("response", (answer) => resolve(answer.resume().statusCode ?? 0));
          sending.once("error", reject);
        });
        sending.write(Buffer.alloc(2 * MIB));
        await waitUntil("the upload to begin", async () => (await stand.filesOf(id)).length === 1, {
          timeoutMs: 30_000,
          everyMs: 5,
        });
        assert.equal((await stand.put(owner, id, Buffer.from("x"))).status, 409, "one upload at a time");
        assert.equal((await stand.remove(owner, id)).status, 204);
        await stand.cloud.drain();
        sending.end(Buffer.alloc(MIB));
        assert.equal(await status, 410);
        await waitUntil("no file", async () => (await stand.filesOf(id)).length === 0, {
          timeoutMs: 30_000,
          everyMs: 5,
        });
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
        const owner = stand.somebody();
        const id = await stand.create(owner);
        const data = randomBytes(7 * MIB + 123);
        await stand.put(owner, id, data);
        for (const copy of await Promise.all(Array.from({ length: 6 }, () => stand.get(owner, id))))
          assert.ok(copy.equals(data));
        await waitUntil("closed files", () => openFiles(id) === 0, { timeoutMs: 30_000, everyMs: 5 });
        await stand.remove(owner, id);
      });

      it("of a part gives that part, wherever the bytes are", async () => {
        const owner = stand.somebody();
        const id = await stand.create(owner);
        // more than one part of an upload in parts
        const data = randomBytes(17 * MIB + 11);
        assert.equal((await stand.put(owner, id, data)).status, 204);
        for (const place of ["here", "there"]) {
          if (place === "there") stand.dropCopies();
          for (const [first, last] of [
            [0, 0],
            [5, 3 * MIB],
            [16 * MIB - 1, 16 * MIB],
            [data.length - 1, data.length - 1],
          ] as const) {
            const part = await stand.get(owner, id, { range: `bytes=${first}-${last}` });
            assert.ok(part.equals(data.subarray(first, last + 1)), `${first}-${last} ${place}`);
          }
          assert.ok((await stand.get(owner, id)).equals(data), place);
        }
        await stand.remove(owner, id);
        await stand.cloud.drain();
      });

      it("whose client leaves closes its file; one that has begun outlives its image", async () => {
        const owner = stand.somebody();
        const id = await stand.create(owner);
        await stand.put(owner, id, randomBytes(16 * MIB));
        const begin = async () => {
          const socket = connect(stand.port, "127.0.0.1");
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
        await stand.remove(owner, id);
        await stand.cloud.drain();
        assert.deepEqual(await stand.filesOf(id), []);
        let received = 0;
        for await (const chunk of stayer as AsyncIterable<Buffer>) received += chunk.length;
        assert.ok(received > 16 * MIB, `${received}`);
      });
    });

    describe("after a crash", () => {
      it("an upload that nobody is on any more is undone once its lease has run out", async () => {
        const owner = stand.somebody();
        const id = await stand.create(owner);
        const uploadId = "00112233aabbccdd";
        const store = stand.cloud.app.config.imageStore.directory;
        for (const directory of [store, join(store, "incoming")])
          writeFileSync(join(directory, `${id}.${uploadId}`), "half");
        await stand.bucket?.put(`images/${id}.${uploadId}`, "whole");
        await stand.bucket?.begin(`images/${id}.${uploadId}`);
        await stand.cloud.app
          .db`update image set status = 'saving', upload_id = ${uploadId}, upload_until = now() + interval '0.3 seconds', reserved_bytes = 9 where id = ${id}`;
        await insertKeys(stand.cloud.app.db, [`image/${id}`]);
        stand.cloud.app.reconcile.wake();
        await waitUntil("the upload to be undone", async () => (await stand.show(owner, id))["status"] === "queued", {
          timeoutMs: 30_000,
          everyMs: 10,
        });
        await stand.cloud.drain();
        await stand.assertUntouched(owner, id);
        assert.equal((await stand.put(owner, id, Buffer.from("again"))).status, 204);
      });

      it("files that no image counts on are swept, others are not", async () => {
        const owner = stand.somebody();
        const id = await stand.create(owner);
        await stand.put(owner, id, Buffer.from("kept"));
        const store = stand.cloud.app.config.imageStore.directory;
        const orphans = [
          join(store, "incoming", "6c8b5c2e-1111-4222-8333-00000000000a.00112233aabbccdd"),
          join(store, `${id}.00112233aabbccde`),
        ];
        for (const orphan of orphans) writeFileSync(orphan, "x");
        await stand.bucket?.put("images/6c8b5c2e-1111-4222-8333-00000000000b.00112233aabbccdd", "x");
        await stand.bucket?.begin("images/6c8b5c2e-1111-4222-8333-00000000000c.00112233aabbccdd");
        await stand.bucket?.put("images/README", "not ours");
        writeFileSync(join(store, "README"), "not ours");
        await imageStoreReconciler.reconcile(stand.cloud.app, "sweep");
        for (const orphan of orphans) assert.throws(() => statSync(orphan), /ENOENT/);
        assert.equal((await stand.filesOf(id)).length, 1);
        assert.equal(readFileSync(join(store, "README"), "utf8"), "not ours");
        assert.equal(await stand.bucket?.read("images/README"), stand.bucket === null ? undefined : "not ours");
        assert.deepEqual(
          (await stand.bucket?.keys())?.filter((key) => key.includes("6c8b5c2e-1111")),
          stand.bucket === null ? undefined : [],
        );
      });

      it("a checksum that was put off is made up for", async () => {
        const owner = stand.somebody();
        const id = await stand.create(owner);
        await stand.put(owner, id, Buffer.from("data"));
        const stored = async (): Promise<string | null> =>
          (await stand.cloud.app.db<{ checksum: string | null }[]>`select checksum from image where id = ${id}`)[0]
            ?.checksum ?? null;
        const putOff = (age: string) =>
          stand.cloud.app.db`update image set checksum = null, updated_at = now() - ${age}::interval where id = ${id}`;
        const expected = createHash("md5").update("data").digest("hex");
        await putOff("1 minute");
        await insertKeys(stand.cloud.app.db, [`image/${id}`]);
        await stand.cloud.drain();
        assert.equal(await stored(), expected, "by the reconciler");
        await putOff("0 seconds");
        await insertKeys(stand.cloud.app.db, [`image/${id}`]);
        await stand.cloud.drain();
        assert.equal(await stored(), null, "which is in no hurry");
        const shown = await Promise.all([stand.show(owner, id), stand.show(owner, id)]);
        assert.deepEqual(
          shown.map((image) => image["checksum"]),
          [expected, expected],
        );
        assert.equal(await stored(), expected, "by who asked for it");
      });

      it("an image whose bytes are gone is still shown, and not given", async () => {
        const owner = stand.somebody();
        const id = await stand.create(owner);
        await stand.put(owner, id, Buffer.from("data"));
        await stand.cloud.app.db`update image set checksum = null where id = ${id}`;
        const [name = ""] = await stand.filesOf(id);
        for (const below of ["", "copies"])
          rmSync(join(stand.cloud.app.config.imageStore.directory, below, name), { force: true });
        await stand.bucket?.remove(`images/${name}`);
        assert.deepEqual(
          [(await stand.show(owner, id))["status"], (await stand.show(owner, id))["checksum"]],
          ["active", null],
        );
        assert.equal(
          (await stand.cloud.inject({ method: "GET", url: `/image/v2/images/${id}/file`, token: owner.token })).status,
          503,
        );
        assert.equal((await stand.remove(owner, id)).status, 204);
        await stand.cloud.drain();
      });
    });
  });
}
