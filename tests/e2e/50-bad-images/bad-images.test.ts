import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import https from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { waitUntil } from "@andromede/base/waiting";

import { type Cloud, DATA, useCloud } from "../support/cloud.ts";
import { run } from "../support/run.ts";

const json = ["-f", "json"];

describe("bad images", () => {
  let cloud: Cloud;
  let token: string;
  let endpoint: string;
  let ca: Buffer;
  let filesBefore: string[];
  const scratch = mkdtempSync(join(tmpdir(), "andromede-bad-"));

  before(async () => {
    cloud = await useCloud();
    ca = readFileSync(`${cloud.directory}/tls/ca.crt`);
    token = ((await cloud.openstack("token", "issue", ...json)) as { id: string }).id;
    const catalog: { Type: string; Endpoints: { interface: string; url: string }[] }[] = await cloud.openstack(
      "catalog",
      "list",
      ...json,
    );
    endpoint =
      catalog.find((one) => one.Type === "image")?.Endpoints.find((one) => one.interface === "public")?.url ?? "";
    filesBefore = storeFiles();
  });

  const storeFiles = (): string[] =>
    readdirSync(`${cloud.directory}/images`, { recursive: true, withFileTypes: true })
      .filter((one) => one.isFile())
      .map((one) => one.name)
      .toSorted();

  /** Over HTTP, because the client takes whatever its standard input is for the image's bytes. */
  function makeImage(name: string, format: string): Promise<string> {
    const body = JSON.stringify({ name, disk_format: format, container_format: "bare" });
    return new Promise((resolve, reject) => {
      const request = https.request(
        `${endpoint}/v2/images`,
        { method: "POST", ca, headers: { "x-auth-token": token, "content-type": "application/json" } },
        (response) => {
          let text = "";
          response.on("data", (chunk: Buffer) => (text += chunk.toString()));
          response.once("end", () => resolve((JSON.parse(text) as { id: string }).id));
        },
      );
      request.once("error", reject);
      request.end(body);
    });
  }

  type Upload = { status: number; text: string };

  /** PUT of the bytes; `claim` says another length, and then the connection is cut. */
  function upload(
    id: string,
    bytes: Buffer,
    options: { claim?: number; headers?: { [name: string]: string } } = {},
  ): Promise<Upload | "cut"> {
    return new Promise((resolve, reject) => {
      const request = https.request(
        `${endpoint}/v2/images/${id}/file`,
        {
          method: "PUT",
          ca,
          headers: {
            "x-auth-token": token,
            "content-type": "application/octet-stream",
            "content-length": options.claim ?? bytes.length,
            ...options.headers,
          },
        },
        (response) => {
          let text = "";
          response.on("data", (chunk: Buffer) => (text += chunk.toString()));
          response.once("end", () => resolve({ status: response.statusCode ?? 0, text }));
        },
      );
      request.once("error", (error) => (options.claim === undefined ? reject(error) : resolve("cut")));
      request.write(bytes, () => {
        if (options.claim === undefined) request.end();
        else setImmediate(() => request.destroy());
      });
    });
  }

  async function isEmptyAgain(id: string): Promise<void> {
    await waitUntil(
      "the image queued again",
      async () => ((await cloud.openstack("image", "show", id, ...json)) as { status: string }).status === "queued",
      { timeoutMs: 20_000 },
    );
    await cloud.openstack("image", "delete", id);
    await waitUntil("no bytes left", () => storeFiles().join() === filesBefore.join(), { timeoutMs: 20_000 });
  }

  /** An empty disk of the size that comes last. */
  const qcow2 = async (name: string, ...words: string[]): Promise<Buffer> => {
    const file = join(scratch, name);
    await run([
      "bwrap",
      "--ro-bind",
      await engineRootOf(),
      "/",
      "--dev",
      "/dev",
      "--proc",
      "/proc",
      "--tmpfs",
      "/tmp",
      "--bind",
      scratch,
      scratch,
      "--",
      "qemu-img",
      "create",
      "-q",
      "-f",
      "qcow2",
      ...words.slice(0, -1),
      file,
      words.at(-1) ?? "",
    ]);
    return readFileSync(file);
  };
  const engineRootOf = async (): Promise<string> =>
    (await run(["sh", "-c", `ls -d ${DATA}/engines/*/usr | head -1`])).trim().replace(/\/usr$/, "");

  it("a backing file is refused, and not read", async () => {
    const bytes = await qcow2("backing.qcow2", "-u", "-b", "/etc/shadow", "-F", "raw", "64M");
    const id = await makeImage("bad-backing", "qcow2");
    const answer = await upload(id, bytes);
    assert.notEqual(answer, "cut");
    assert.equal((answer as Upload).status, 400, (answer as Upload).text);
    assert.match((answer as Upload).text, /backing file/i);
    await isEmptyAgain(id);
  });

  it("an external data file is refused", async () => {
    const bytes = await qcow2("external.qcow2", "-o", `data_file=${scratch}/data.raw,data_file_raw=on`, "64M");
    const id = await makeImage("bad-external", "qcow2");
    const answer = (await upload(id, bytes)) as Upload;
    assert.equal(answer.status, 400, answer.text);
    assert.match(answer.text, /data file/i);
    await isEmptyAgain(id);
  });

  it("an upload cut short leaves nothing", async () => {
    const id = await makeImage("bad-truncated", "raw");
    assert.equal(await upload(id, Buffer.alloc(1 << 20, 1), { claim: 8 << 20 }), "cut");
    await isEmptyAgain(id);
  });

  it("a wrong checksum is refused", async () => {
    const id = await makeImage("bad-checksum", "raw");
    const wrong = createHash("sha512").update("something else").digest("base64");
    const answer = (await upload(id, Buffer.alloc(1 << 20, 1), {
      headers: { "content-digest": `sha-512=:${wrong}:` },
    })) as Upload;
    assert.equal(answer.status, 400, answer.text);
    assert.match(answer.text, /digest|checksum/i);
    await isEmptyAgain(id);
  });

  it("an image larger than the flavor's disk is refused where the server is made", async () => {
    const bytes = await qcow2("large.qcow2", "20G");
    const id = await makeImage("bad-large", "qcow2");
    const stored = (await upload(id, bytes)) as Upload;
    assert.equal(stored.status, 204, stored.text);
    const refused = await cloud.tryOpenstack(
      "--os-compute-api-version",
      "2.37",
      "server",
      "create",
      "too-large",
      "--image",
      id,
      "--flavor",
      "mini.tiny",
      "--nic",
      "none",
    );
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /disk is (too small|smaller)|too large|400/i);
    const left: unknown[] = await cloud.openstack("server", "list", "--name", "too-large", ...json);
    assert.deepEqual(left, []);
    await cloud.openstack("image", "delete", id);
  });

  after(() => rmSync(scratch, { recursive: true, force: true }));
});
