import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { type RequestListener, type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, describe, test } from "node:test";

import { newHexId } from "@andromede/base/ids";
import { waitUntil } from "@andromede/base/waiting";

import { insertKeys } from "../../reconcile/queue.ts";
import { type TestApp, createTestApp } from "../../testing/test-app.ts";
import { type TestBucket, createTestBucket } from "../../testing/test-bucket.ts";
import { imageReconcilers } from "./reconcilers.ts";
import { imageService } from "./service.ts";

const KIB = 1024;
for (const driver of ["files", "s3"] as const) {
  describe(`imports to ${driver}`, () => {
    let cloud: TestApp;
    let bucket: TestBucket | null = null;
    let directory: string;
    let web: Server;
    let answer: RequestListener = (_request, response) => response.end();
    let host: string;

    before(async () => {
      web = createServer((request, response) => answer(request, response));
      await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
      host = `127.0.0.1:${(web.address() as AddressInfo).port}`;
      bucket = driver === "s3" ? await createTestBucket() : null;
      directory = mkdtempSync(join(tmpdir(), "andromede-imports-"));
      cloud = await createTestApp({
        services: [imageService],
        reconcilers: imageReconcilers,
        config: {
          imageStore: bucket === null ? { driver: "files", directory } : { driver: "s3", directory, ...bucket.place },
          image: { projectBytes: 512 * KIB, webDownloadHosts: [host, "localhost:1"] },
        },
      });
    });
    after(async () => {
      await cloud.close();
      await bucket?.stop();
      rmSync(directory, { recursive: true });
      web.closeAllConnections();
      await new Promise((resolve) => web.close(resolve));
    });

    type View = { id: string; status: string; size: number | null; os_hash_value: string | null };
    type Task = { id: string; status: string; message: string; image_id: string };

    const somebody = (roles = ["member"]): string => cloud.tokenFor({ projectId: newHexId(), roles });
    const call = (token: string, method: string, path: string, body?: unknown) =>
      cloud.inject({ method, url: `/image/v2/${path}`, token, ...(body === undefined ? {} : { body }) });
    const stage = (token: string, id: string, payload: Buffer) =>
      cloud.inject({
        method: "PUT",
        url: `/image/v2/images/${id}/stage`,
        token,
        payload,
        headers: { "content-type": "application/octet-stream" },
      });

    async function create(token: string, more: object = {}): Promise<string> {
      const made = await call(token, "POST", "images", {
        name: "i",
        disk_format: "raw",
        container_format: "bare",
        ...more,
      });
      assert.equal(made.status, 201, made.text);
      assert.equal(made.headers["openstack-image-import-methods"], "glance-direct,web-download");
      assert.equal(made.headers["openstack-image-store-ids"], "file");
      return (made.body as View).id;
    }
    const show = async (token: string, id: string): Promise<View> => (await call(token, "GET", `images/${id}`)).body;
    const tasks = async (token: string, id: string): Promise<Task[]> =>
      ((await call(token, "GET", `images/${id}/tasks`)).body as { tasks: Task[] }).tasks;
    const importing = (token: string, id: string, method: object) =>
      call(token, "POST", `images/${id}/import`, { method });
    /** Names of what an image has anywhere in the store: each once, however many places have it. */
    async function filesOf(id: string): Promise<string[]> {
      const here = ["", "incoming", "copies"].map((name) => join(directory, name)).filter((path) => existsSync(path));
      const keys = (await bucket?.keys())?.map((key) => basename(key)) ?? [];
      return [...new Set([...here.flatMap((path) => readdirSync(path)), ...keys])].filter((name) =>
        name.startsWith(id),
      );
    }

    test("staged bytes become the image's when they are imported", async () => {
      const token = somebody();
      const id = await create(token);
      const bytes = randomBytes(64 * KIB);
      assert.equal((await importing(token, id, { name: "glance-direct" })).status, 409, "nothing is staged yet");
      assert.equal((await stage(token, id, bytes)).status, 204);
      assert.equal((await show(token, id)).status, "uploading");
      assert.equal((await stage(token, id, bytes)).status, 409, "once");
      assert.equal((await call(token, "GET", `images/${id}/file`)).status, 204, "not yet the image's");
      assert.equal((await importing(token, id, { name: "glance-direct" })).status, 202);
      await cloud.drain();
      const image = await show(token, id);
      assert.deepEqual([image.status, image.size], ["active", bytes.length]);
      const got = await cloud.inject({ method: "GET", url: `/image/v2/images/${id}/file`, token });
      assert.equal(got.headers["content-length"], String(bytes.length));
      assert.deepEqual(
        (await tasks(token, id)).map(({ status, image_id: imageId }) => [status, imageId]),
        [["success", id]],
      );
      assert.equal(
        (await importing(token, id, { name: "glance-direct" })).status,
        409,
        "an active image is not imported",
      );
      assert.equal((await filesOf(id)).length, 1);
    });

    test("what must not be an image does not become one, and its bytes go", async () => {
      const token = somebody();
      const id = await create(token);
      await stage(token, id, Buffer.concat([Buffer.from("QFI\xfb", "latin1"), Buffer.alloc(KIB)]));
      assert.equal((await importing(token, id, { name: "glance-direct" })).status, 202);
      await cloud.drain();
      assert.equal((await show(token, id)).status, "queued");
      const [task] = await tasks(token, id);
      assert.equal(task?.status, "failure");
      assert.match(task?.message ?? "", /does not match disk format raw/);
      assert.deepEqual(await filesOf(id), []);
    });

    test("an import survives the death of its worker at any point before its end", async () => {
      const token = somebody();
      const bytes = randomBytes(KIB);
      for (const isHere of [true, false]) {
        const id = await create(token);
        await stage(token, id, bytes);
        assert.equal((await importing(token, id, { name: "glance-direct" })).status, 202);
        await cloud.drain();
        // as it was before the last transaction, which the rows know nothing of
        await cloud.app.db`
      update image set status = 'importing', staged_bytes = size_bytes, staged_sha512 = sha512, sha512 = null, size_bytes = null, checksum = null
      where id = ${id}`;
        await cloud.app.db`update image_task set status = 'processing' where image_id = ${id}`;
        // another machine may be the one that goes on
        if (!isHere) rmSync(join(directory, "copies"), { recursive: true, force: true });
        const [task] = await tasks(token, id);
        await insertKeys(cloud.app.db, [`image-task/${task?.id ?? ""}`]);
        await cloud.drain();
        assert.equal((await show(token, id)).status, "active", `here: ${isHere}`);
        assert.equal((await filesOf(id)).length, 1);
      }
    });

    test("what is staged and never imported is given up, and what is deleted leaves nothing", async () => {
      const token = somebody();
      const [late, gone] = [await create(token), await create(token)];
      for (const id of [late, gone]) await stage(token, id, randomBytes(KIB));
      await cloud.app.db`update image set upload_until = now() - interval '1 second' where id = ${late}`;
      await insertKeys(cloud.app.db, [`image/${late}`]);
      assert.equal((await call(token, "DELETE", `images/${gone}`)).status, 204);
      await cloud.drain();
      assert.equal((await show(token, late)).status, "queued");
      assert.deepEqual([...(await filesOf(late)), ...(await filesOf(gone))], []);
    });

    test("an image is fetched from a host that the operator named, through redirections to such hosts only", async () => {
      const token = somebody();
      const bytes = randomBytes(32 * KIB);
      answer = (request, response) => {
        if (request.url === "/moved") response.writeHead(302, { location: "/image" }).end();
        else if (request.url === "/elsewhere") response.writeHead(302, { location: "http://127.0.0.1:1/image" }).end();
        else if (request.url === "/loop") response.writeHead(302, { location: "/loop" }).end();
        else if (request.url === "/cut") {
          response.writeHead(200, { "content-length": 10 * KIB });
          response.write(randomBytes(KIB), () => response.destroy());
        } else if (request.url === "/large") response.end(Buffer.alloc(600 * KIB));
        else if (request.url === "/image") response.end(bytes);
        else response.writeHead(404).end();
      };
      const fetched = async (path: string): Promise<{ id: string; task: Task | undefined }> => {
        const id = await create(token);
        const uri = `http://${host}${path}`;
        assert.equal((await importing(token, id, { name: "web-download", uri })).status, 202);
        await cloud.drain();
        return { id, task: (await tasks(token, id))[0] };
      };
      for (const path of ["/image", "/moved"]) {
        const { id, task } = await fetched(path);
        assert.equal(task?.status, "success", task?.message);
        assert.equal((await show(token, id)).size, bytes.length);
      }
      for (const [path, why] of [
        ["/missing", /answered 404/],
        ["/elsewhere", /not allowed/],
        ["/loop", /redirections/],
        ["/cut", /incomplete/],
        ["/large", /quota|too large/],
      ] as const) {
        const { id, task } = await fetched(path);
        assert.equal(task?.status, "failure", path);
        assert.match(task?.message ?? "", why);
        assert.equal((await show(token, id)).status, "queued");
        assert.deepEqual(await filesOf(id), [], path);
      }
    });

    test("nothing else is fetched, and nothing of ours", async () => {
      const token = somebody();
      const id = await create(token);
      for (const uri of [
        "http://127.0.0.1/x",
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
        "https://example.org/x",
        "x",
      ])
        assert.equal((await importing(token, id, { name: "web-download", uri })).status, 400, uri);
      assert.equal((await importing(token, id, { name: "web-download" })).status, 400);
      assert.equal((await importing(token, id, { name: "copy-image" })).status, 400);
      assert.equal((await importing(token, id, { name: "glance-direct", uri: 7 })).status, 400);
      // a name that was allowed, which comes to an address that was not
      assert.equal((await importing(token, id, { name: "web-download", uri: "http://localhost:1/x" })).status, 202);
      await waitUntil("the end of the task", async () => (await tasks(token, id))[0]?.status === "failure", {
        timeoutMs: 10_000,
        everyMs: 20,
      });
      assert.match((await tasks(token, id))[0]?.message ?? "", /not fetched from/);
      const bare = await create(token, { disk_format: null });
      await stage(token, bare, randomBytes(KIB));
      assert.equal((await importing(token, bare, { name: "glance-direct" })).status, 409, "no format");
    });

    test("imports, tasks and stores are told to those they concern", async () => {
      const token = somebody();
      const id = await create(token);
      await stage(token, id, randomBytes(KIB));
      const stranger = somebody();
      for (const [method, path] of [
        ["PUT", "stage"],
        ["POST", "import"],
        ["GET", "tasks"],
      ] as const) {
        const body = method === "POST" ? { method: { name: "glance-direct" } } : undefined;
        const headers = method === "PUT" ? { "content-type": "application/octet-stream" } : {};
        const sent = await cloud.inject({
          method,
          url: `/image/v2/images/${id}/${path}`,
          token: stranger,
          body,
          headers,
        });
        assert.equal(sent.status, 404, path);
      }
      await importing(token, id, { name: "glance-direct" });
      await cloud.drain();
      const all = (await call(cloud.adminToken, "GET", "tasks?limit=1")).body as { tasks: Task[]; next?: string };
      assert.equal(all.tasks.length, 1);
      const next = (await call(cloud.adminToken, "GET", (all.next ?? "").replace("/v2/", ""))).body as {
        tasks: Task[];
      };
      assert.notEqual(next.tasks[0]?.id, all.tasks[0]?.id);
      assert.equal((await call(cloud.adminToken, "GET", `tasks/${all.tasks[0]?.id ?? ""}`)).status, 200);
      assert.equal((await call(cloud.adminToken, "GET", "tasks/none")).status, 404);
      assert.equal((await call(token, "GET", "tasks")).status, 403);
      const stores = (await call(token, "GET", "info/stores")).body as { stores: { id: string }[] };
      assert.deepEqual(
        stores.stores.map((store) => store.id),
        ["file"],
      );
      assert.equal((await call(token, "DELETE", `stores/file/${id}`)).status, 403);
      assert.equal((await call(token, "DELETE", `stores/other/${id}`)).status, 404);
      assert.equal((await call(stranger, "DELETE", `stores/file/${id}`)).status, 404);
      const usage = (await call(token, "GET", "info/usage")).body as { usage: { image_count_total: object } };
      assert.deepEqual(usage.usage.image_count_total, { limit: -1, usage: 1 });
      assert.equal((await call(cloud.adminToken, "GET", "cache")).status, 404);
    });
  });
}
