/** An image service that answers on a socket, on a store of either kind. Test files only. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { type IncomingMessage, request as httpRequest } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { basename, join } from "node:path";

import { newHexId } from "@andromede/base/ids";
import { waitUntil } from "@andromede/base/waiting";
import { engineRoot } from "@andromede/testkit/engines";
import type { FastifyInstance } from "fastify";

import { createHttpServer } from "../../../http/server.ts";
import { type Answer, type TestApp, createTestApp } from "../../../testing/test-app.ts";
import { type TestBucket, createTestBucket } from "../../../testing/test-bucket.ts";
import { type BootImage, imageFile } from "../public.ts";
import { imageReconcilers } from "../reconcilers.ts";
import { imageService } from "../service.ts";

const MIB = 1024 * 1024;
const LIMITS = { maxBytes: 64 * MIB, maxVirtualBytes: 4096 * MIB, projectBytes: 40 * MIB };

export const DRIVERS = ["files", "s3"] as const;
export type Owner = { token: string; projectId: string };
type Put = { status: number; text: string };

/** `directory`: the store's; whoever made it removes it. */
export async function startUploadStand(driver: (typeof DRIVERS)[number], directory: string): Promise<UploadStand> {
  const engines = engineRoot();
  const bucket = driver === "s3" ? await createTestBucket() : null;
  const cloud = await createTestApp({
    services: [imageService],
    reconcilers: imageReconcilers,
    config: {
      imageStore: bucket === null ? { driver: "files", directory } : { driver: "s3", directory, ...bucket.place },
      jail: { engineRoot: engines },
      image: LIMITS,
    },
  });
  const server = createHttpServer(cloud.app, { plane: "customer", baseUrl: "http://customer.test" }, [imageService]);
  await server.listen({ host: "127.0.0.1", port: 0 });
  return new UploadStand({ cloud, server, bucket });
}

export class UploadStand {
  readonly cloud: TestApp;
  readonly port: number;
  readonly bucket: TestBucket | null;
  readonly #server: FastifyInstance;

  constructor(made: { cloud: TestApp; server: FastifyInstance; bucket: TestBucket | null }) {
    this.cloud = made.cloud;
    this.bucket = made.bucket;
    this.#server = made.server;
    ({ port: this.port } = made.server.server.address() as AddressInfo);
  }

  async stop(): Promise<void> {
    this.#server.server.closeAllConnections();
    await this.#server.close();
    await this.cloud.close();
    await this.bucket?.stop();
  }

  somebody(): Owner {
    const projectId = newHexId();
    return { token: this.cloud.tokenFor({ projectId }), projectId };
  }

  async create(owner: Owner, body: object = {}): Promise<string> {
    const answer = await this.cloud.inject({
      method: "POST",
      url: "/image/v2/images",
      token: owner.token,
      body: { name: "i", disk_format: "raw", container_format: "bare", ...body },
    });
    assert.equal(answer.status, 201, answer.text);
    return answer.body["id"];
  }

  /** A real upload over a socket; chunked unless a length is given. */
  put(
    owner: Owner,
    id: string,
    data: Buffer | Buffer[],
    headers: { [name: string]: string | number } = {},
  ): Promise<Put> {
    const parts = Array.isArray(data) ? data : [data];
    return new Promise((resolve, reject) => {
      const sending = httpRequest(
        {
          port: this.port,
          method: "PUT",
          path: `/image/v2/images/${id}/file`,
          headers: { "x-auth-token": owner.token, "content-type": "application/octet-stream", ...headers },
        },
        (answer: IncomingMessage) => {
          const chunks: Buffer[] = [];
          answer.on("data", (chunk: Buffer) => chunks.push(chunk));
          answer.once("end", () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
        },
      );
      sending.once("error", reject);
      for (const part of parts) sending.write(part);
      sending.end();
    });
  }

  putSized(owner: Owner, id: string, data: Buffer, headers: { [name: string]: string } = {}): Promise<Put> {
    return this.put(owner, id, data, { "content-length": data.length, ...headers });
  }

  async show(owner: Owner, id: string): Promise<{ [member: string]: unknown }> {
    return (await this.cloud.inject({ method: "GET", url: `/image/v2/images/${id}`, token: owner.token })).body;
  }

  remove(owner: Owner, id: string): Promise<Answer> {
    return this.cloud.inject({ method: "DELETE", url: `/image/v2/images/${id}`, token: owner.token });
  }

  /** Names of what an image has anywhere in the store: each once, however many places have it. */
  async filesOf(id: string): Promise<string[]> {
    const store = this.cloud.app.config.imageStore.directory;
    const here = ["", "incoming", "copies"].map((name) => join(store, name)).filter((path) => existsSync(path));
    const keys = (await this.bucket?.keys())?.map((key) => basename(key)) ?? [];
    const names = [...here.flatMap((path) => readdirSync(path)), ...keys];
    return [...new Set(names)].filter((name) => name.startsWith(id));
  }

  /** From here on whoever wants bytes of a bucket must go there. */
  dropCopies(): void {
    rmSync(join(this.cloud.app.config.imageStore.directory, "copies"), { recursive: true, force: true });
    mkdirSync(join(this.cloud.app.config.imageStore.directory, "copies"));
  }

  async fileOf(image: BootImage): Promise<string> {
    const file = await imageFile(this.cloud.app, image);
    assert.ok("path" in file, JSON.stringify(file));
    return file.path;
  }

  async assertUntouched(owner: Owner, id: string): Promise<void> {
    const image = await this.show(owner, id);
    assert.deepEqual(
      [image["status"], image["size"], image["checksum"], image["os_hash_value"]],
      ["queued", null, null, null],
    );
    assert.deepEqual(await this.filesOf(id), []);
  }

  /** Sends a request's beginning and cuts the connection. */
  async putAndCut(owner: Owner, id: string, head: string, part: Buffer): Promise<void> {
    const socket = connect(this.port, "127.0.0.1");
    socket.write(
      `PUT /image/v2/images/${id}/file HTTP/1.1\r\nHost: x\r\nX-Auth-Token: ${owner.token}\r\nContent-Type: application/octet-stream\r\n${head}\r\n\r\n`,
    );
    socket.write(part);
    await waitUntil("the upload to begin", async () => (await this.show(owner, id))["status"] === "saving", {
      timeoutMs: 30_000,
      everyMs: 5,
    });
    socket.destroy();
    await waitUntil(
      "the upload to be undone",
      async () => (await this.show(owner, id))["status"] === "queued" && (await this.filesOf(id)).length === 0,
      { timeoutMs: 30_000, everyMs: 5 },
    );
  }

  get(owner: Owner, id: string, headers: { [name: string]: string } = {}): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      httpRequest(
        { port: this.port, path: `/image/v2/images/${id}/file`, headers: { "x-auth-token": owner.token, ...headers } },
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
  }
}
