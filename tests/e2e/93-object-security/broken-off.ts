/** Requests that end in the middle, wherever that is: nothing of them is stored, and nobody else notices. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { before, it } from "node:test";
import { connect } from "node:tls";
import { gzipSync } from "node:zlib";

import { pathOf } from "../../../apps/object-store/src/s3/testing/client.ts";
import { makeTar } from "../../../apps/object-store/src/swift/testing/make-tar.ts";
import { storeProcesses } from "../support/object-store.ts";
import type { World } from "./world.ts";

const BUCKET = `broken-off-${randomBytes(4).toString("hex")}`;
/** So much of a body comes. */
const SHARES = [0, 0.001, 0.3, 0.7, 0.999];

export function itSurvivesWhoGoesAway(world: () => World): void {
  before(async () => {
    const { owner } = world();
    assert.equal((await owner.s3.send("PUT", pathOf(BUCKET))).status, 200);
    const policy = {
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Principal: "*",
          Action: "s3:*",
          Resource: [`arn:aws:s3:::${BUCKET}`, `arn:aws:s3:::${BUCKET}/*`],
        },
      ],
    };
    const put = await owner.s3.send("PUT", pathOf(BUCKET), { query: { policy: "" }, body: JSON.stringify(policy) });
    assert.equal(put.status, 204, put.text);
  });

  it("whatever is cut off, wherever: nothing is stored, no worker dies", async () => {
    const { owner, cloud } = world();
    const processes = storeProcesses(cloud);
    assert.ok(processes.length >= 2);
    const kinds = requests();
    for (const share of SHARES)
      await Promise.all(kinds.map(({ head, body }) => cutOff(head, body.subarray(0, Math.floor(body.length * share)))));
    // and those that came whole, but as nothing that makes sense
    for (const { head, body, hasForm } of kinds) if (hasForm) await cutOff(head, randomBytes(body.length));
    assert.deepEqual(storeProcesses(cloud), processes);
    const listed = await owner.swift("GET", `/${BUCKET}`);
    assert.deepEqual(
      listed.text.split("\n").filter((name) => name.startsWith("never")),
      [],
    );
  });

  /** `hasForm`: not any bytes will do. */
  type Request = { head: string; body: Buffer; hasForm: boolean };

  /** Of every kind that has a body, each for a key of its own that begins with `never`. */
  function requests(): Request[] {
    const { owner, customers } = world();
    const bytes = randomBytes(400_000);
    const request = (method: string, path: string, headers: string[], body: Buffer): Request => ({
      head: [`${method} ${path} HTTP/1.1`, `Host: ${customers.host}`, ...headers, "", ""].join("\r\n"),
      body,
      hasForm: true,
    });
    const plain = (path: string, headers: string[], body: Buffer): Request => ({
      ...sized("PUT", path, headers, body),
      hasForm: false,
    });
    const sized = (method: string, path: string, headers: string[], body: Buffer): Request =>
      request(method, path, [...headers, `Content-Length: ${body.length}`], body);
    const token = `X-Auth-Token: ${owner.token}`;
    const account = `/v1/AUTH_${owner.projectId}`;
    const chunk = Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n0\r\n\r\n")]);
    const form = Buffer.concat([
      Buffer.from(
        '--B\r\nContent-Disposition: form-data; name="key"\r\n\r\nnever-form\r\n--B\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n',
      ),
      bytes,
      Buffer.from("\r\n--B--\r\n"),
    ]);
    const type = "Content-Type: multipart/form-data; boundary=B";
    const tar = makeTar([{ name: "never-in-archive", body: bytes }]);
    const streaming = [
      "x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER",
      `x-amz-decoded-content-length: ${bytes.length}`,
    ];
    const xml = Buffer.from(`<Delete>${"<Object><Key>never</Key></Object>".repeat(900)}</Delete>`);
    return [
      plain(`/${BUCKET}/never-plain`, [], bytes),
      plain(`/${BUCKET}/never-small`, [], bytes.subarray(0, 1_000)),
      sized("PUT", `/${BUCKET}/never-aws-chunked`, streaming, chunk),
      request(
        "PUT",
        `/${BUCKET}/never-chunked`,
        [...streaming, "Transfer-Encoding: chunked"],
        Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from("\r\n0\r\n\r\n")]),
      ),
      sized("POST", `/${BUCKET}`, [type], form),
      sized("POST", `/${BUCKET}?delete`, [], xml),
      sized("PUT", `/${BUCKET}?tagging`, [], xml),
      plain(`${account}/${BUCKET}/never-swift`, [token], bytes),
      request("PUT", `${account}/${BUCKET}/never-swift-chunked`, [token, "Transfer-Encoding: chunked"], chunk),
      sized("PUT", `${account}/${BUCKET}/?extract-archive=tar`, [token], tar),
      sized("PUT", `${account}/${BUCKET}/?extract-archive=tar.gz`, [token], gzipSync(tar)),
      sized("PUT", `${account}/${BUCKET}/?extract-archive=tar.bz2`, [token], tar),
      sized("PUT", `${account}/${BUCKET}/never-slo?multipart-manifest=put`, [token], xml),
      sized("POST", `${account}/?bulk-delete`, [token], Buffer.from(`${BUCKET}/never\n`.repeat(1_000))),
      sized("POST", `${account}/${BUCKET}`, [type], form),
    ];
  }

  /** Sends so much, and is gone as soon as that is out: without a word, or with the first of the answer. */
  function cutOff(head: string, body: Buffer): Promise<void> {
    const { customers, ca } = world();
    return new Promise((resolve) => {
      const socket = connect({ host: "127.0.0.1", port: customers.port, ca }, () => {
        socket.write(head, "latin1");
        socket.write(body, () => socket.destroy());
      });
      socket.once("data", () => socket.destroy());
      socket.once("error", () => undefined);
      socket.once("close", () => resolve());
    });
  }
}
