/** What customers store is nowhere on the disk as it was: needles are put through every way in, and looked for everywhere. */
import assert from "node:assert/strict";
import { createHash, createHmac, randomBytes } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, it } from "node:test";
import { connect } from "node:tls";

import { pathOf } from "../../../apps/object-store/src/s3/testing/client.ts";
import { makeTar } from "../../../apps/object-store/src/swift/testing/make-tar.ts";
import { tryRun } from "../support/run.ts";
import { PASSWORD, type World, textOf } from "./world.ts";

const MIB = 1 << 20;
const BUCKET = `at-rest-${randomBytes(4).toString("hex")}`;

/** Text that no other run has, and that no compression makes away with. */
const newNeedle = (): string => randomBytes(24).toString("hex");
const md5 = (bytes: string | Buffer): string => createHash("md5").update(bytes).digest("base64");

export function itIsSealedAtRest(world: () => World): void {
  /** What must not be found, by what it is. */
  const needles = new Map<string, string>();
  /** Text of so many bytes that holds the needle of this name again and again. */
  const bodyWith = (what: string, size: number): Buffer => {
    const needle = needles.get(what) ?? newNeedle();
    needles.set(what, needle);
    return Buffer.from(`<${needle}>`.repeat(Math.ceil(size / (needle.length + 2)))).subarray(0, size);
  };
  const secret = (what: string, text: string): string => {
    needles.set(what, text);
    return text;
  };
  const named = newNeedle();

  before(async () => {
    const { owner } = world();
    assert.equal((await owner.s3.send("PUT", pathOf(BUCKET))).status, 200);
    assert.equal((await owner.swift("PUT", "/at-rest")).status, 201);
  });

  it("S3: small and large, signed in chunks, in parts, copied, by a form, with keys of the project's and the customer's own", async () => {
    const { owner } = world();
    const put = async (key: string, body: Buffer, more: Parameters<typeof owner.s3.send>[2] = {}): Promise<void> => {
      const answer = await owner.s3.send("PUT", pathOf(BUCKET, key), { body, ...more });
      assert.equal(answer.status, 200, answer.text);
    };
    await put("small", bodyWith("a small object", 2_000));
    await put("large", bodyWith("a large object", 300_000));
    await put("chunked", bodyWith("an object signed in chunks", 200_000), { sign: "chunked" });
    await put("kms", bodyWith("an object under a named key", 100_000), {
      headers: { "x-amz-server-side-encryption": "aws:kms", "x-amz-server-side-encryption-aws-kms-key-id": "mine" },
    });
    const key = secret("a customer's key", randomBytes(16).toString("hex"));
    const customer = {
      "x-amz-server-side-encryption-customer-algorithm": "AES256",
      "x-amz-server-side-encryption-customer-key": Buffer.from(key).toString("base64"),
      "x-amz-server-side-encryption-customer-key-md5": md5(key),
    };
    await put("customer", bodyWith("an object under a customer's key", 70_000), { headers: customer });
    await put("customer-small", bodyWith("a small object under a customer's key", 500), { headers: customer });
    await put("copy", Buffer.alloc(0), { headers: { "x-amz-copy-source": `${BUCKET}/large` } });
    assert.deepEqual(
      (await owner.s3.send("GET", pathOf(BUCKET, "customer"), { headers: customer })).body,
      bodyWith("an object under a customer's key", 70_000),
    );
    await multipart(customer);
    await form();
  });

  /** One that is completed, and one that never is. */
  async function multipart(customer: { [name: string]: string }): Promise<void> {
    const { owner } = world();
    const path = pathOf(BUCKET, "parts");
    for (const headers of [{}, customer]) {
      const { text } = await owner.s3.send("POST", path, { query: { uploads: "" }, headers });
      const uploadId = textOf(text, "UploadId");
      const part = (partNumber: string, body: Buffer) =>
        owner.s3.send("PUT", path, { query: { uploadId, partNumber }, body, headers });
      const first = await part("1", bodyWith("the first part of an upload", 5 * MIB));
      const second = await part("2", bodyWith("the last part of an upload", 1_000));
      assert.deepEqual([first.status, second.status], [200, 200], second.text);
      if (headers === customer) return;
      const list = [first, second].map(
        ({ headers: { etag } }, at) => `<Part><PartNumber>${at + 1}</PartNumber><ETag>${String(etag)}</ETag></Part>`,
      );
      const body = `<CompleteMultipartUpload>${list.join("")}</CompleteMultipartUpload>`;
      assert.equal((await owner.s3.send("POST", path, { query: { uploadId }, body })).status, 200);
    }
  }

  async function form(): Promise<void> {
    const { owner } = world();
    await owner.s3.send("PUT", pathOf(BUCKET), {
      query: { policy: "" },
      body: JSON.stringify({
        Version: "2012-10-17",
        Statement: [
          { Effect: "Allow", Principal: "*", Action: "s3:PutObject", Resource: `arn:aws:s3:::${BUCKET}/form` },
        ],
      }),
    });
    const field = (name: string, more: string, value: Buffer | string): Buffer =>
      Buffer.from(`--B\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${value.toString()}\r\n`);
    const body = Buffer.concat([
      field("key", "", "form"),
      field("file", '; filename="f"', bodyWith("a form's file", 3_000)),
      Buffer.from("--B--\r\n"),
    ]);
    const headers = { "content-type": "multipart/form-data; boundary=B", "content-length": String(body.length) };
    assert.equal((await world().nobody.raw("POST", pathOf(BUCKET), headers, body)).status, 204);
  }

  it("Swift: an object, segments and data inside of a manifest, an archive, a signed address", async () => {
    const { owner, swift } = world();
    const key = secret("a key of signed addresses", newNeedle());
    assert.equal((await owner.swift("POST", "", { headers: { "X-Account-Meta-Temp-URL-Key": key } })).status, 204);
    assert.equal(
      (await owner.swift("POST", "/at-rest", { headers: { "X-Container-Meta-Temp-URL-Key-2": key } })).status,
      204,
    );
    const put = async (path: string, body: Buffer | string): Promise<void> =>
      assert.equal((await owner.swift("PUT", `/at-rest${path}`, { body })).status, 201, path);
    await put("/object", bodyWith("an object of Swift's", 90_000));
    await put("/segment", bodyWith("a segment", MIB));
    const data = bodyWith("data inside of a manifest", 200).toString("base64");
    const manifest = JSON.stringify([{ path: "/at-rest/segment" }, { data }]);
    await put("/slo?multipart-manifest=put", manifest);
    const archive = makeTar([{ name: "in-archive", body: bodyWith("a file in an archive", 5_000) }]);
    const extracted = await owner.swift("PUT", "/at-rest?extract-archive=tar", { body: archive });
    assert.equal(extracted.status, 200);
    const expires = Math.floor(Date.now() / 1000) + 60;
    const path = `/v1/AUTH_${owner.projectId}/at-rest/signed`;
    for (const method of ["PUT", "GET"]) {
      const signature = createHmac("sha256", key).update(`${method}\n${expires}\n${path}`).digest("hex");
      const ask = method === "PUT" ? { body: bodyWith("an object by a signed address", 4_000) } : {};
      const answer = await swift(method, `${path}?temp_url_sig=${signature}&temp_url_expires=${expires}`, ask);
      assert.ok(answer.status === 200 || answer.status === 201, answer.text);
    }
  });

  it("what is refused, broken off or makes no sense is not left anywhere either", async () => {
    const { owner } = world();
    const refused = bodyWith("a body with a wrong checksum", 150_000);
    const wrong = await owner.s3.send("PUT", pathOf(BUCKET, "wrong"), {
      body: refused,
      headers: { "content-md5": md5("something else") },
    });
    assert.equal(wrong.code, "BadDigest");
    assert.equal(
      (await owner.swift("PUT", "/at-rest/wrong", { body: refused, headers: { ETag: "0".repeat(32) } })).status,
      422,
    );
    await breakOff(world(), owner.s3.presign("PUT", pathOf(BUCKET, "broken")), bodyWith("a body broken off", 250_000));
    for (const body of [
      bodyWith("a document that is none", 300),
      `<Tagging>${bodyWith("a document that is none", 300).toString()}`,
    ])
      assert.equal((await owner.s3.send("PUT", pathOf(BUCKET), { query: { tagging: "" }, body })).status, 400);
    assert.equal(
      (
        await owner.swift("PUT", "/at-rest/x?multipart-manifest=put", {
          body: bodyWith("a manifest that is none", 200),
        })
      ).status,
      400,
    );
  });

  it("a scan of the whole data directory finds names and metadata, and nothing of the rest", async () => {
    const { owner, other, cloud } = world();
    const headers = { "x-amz-meta-needle": named };
    const made = await owner.s3.send("PUT", pathOf(BUCKET, `named-${named}`), { body: "x", headers });
    assert.equal(made.status, 200);
    for (const [what, party] of [
      ["the owner's", owner],
      ["another's", other],
    ] as const) {
      secret(`${what} secret key`, party.secretKey);
      secret(`${what} token`, party.token);
    }
    secret("a password", PASSWORD);
    // what is in memory only is no proof
    await cloud.sql("checkpoint");
    const found = await scan(cloud.directory, needles);
    assert.deepEqual(found, []);
    // as rows, where what the database compresses is seen too
    const dump = join(tmpdir(), `andromede-dump-${process.pid}`);
    try {
      writeFileSync(
        dump,
        await cloud.engine("pg_dump", "-h", `${cloud.directory}/run/postgres`, "-U", "postgres", "andromede"),
      );
      assert.deepEqual(await scan(dump, needles), []);
      // the scan sees what is there to be seen
      for (const place of [cloud.directory, dump])
        assert.notDeepEqual(await scan(place, new Map([["a name", named]])), [], place);
    } finally {
      rmSync(dump, { force: true });
    }
  });
}

/** A body of which half comes, and then nothing any more. */
async function breakOff({ customers, ca }: World, path: string, body: Buffer): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const socket = connect({ host: "127.0.0.1", port: customers.port, ca }, () => {
    socket.write(`PUT ${path} HTTP/1.1\r\nHost: ${customers.host}\r\nContent-Length: ${body.length * 2}\r\n\r\n`);
    socket.write(body, () => socket.destroy());
  });
  socket.once("close", () => resolve());
  socket.once("error", () => resolve());
  await promise;
}

/** As it is, in base64 wherever it begins, in hex. */
function spellings(needle: string): string[] {
  const shifted = [0, 1, 2].map((shift) => {
    const text = Buffer.from(`${"x".repeat(shift)}${needle}`)
      .toString("base64")
      .replaceAll("=", "");
    // the characters at either end depend on what stands beside
    return text.slice(shift === 0 ? 0 : 4, -4);
  });
  const url = shifted.map((text) => text.replaceAll("+", "-").replaceAll("/", "_"));
  const hex = Buffer.from(needle).toString("hex");
  return [...new Set([needle, ...shifted, ...url, hex, hex.toUpperCase()])];
}

/** `what it is, in which file`, of every needle that is found in any spelling. */
async function scan(place: string, needles: ReadonlyMap<string, string>): Promise<string[]> {
  const list = join(tmpdir(), `andromede-needles-${process.pid}`);
  const lines = [...needles].flatMap(([what, needle]) => spellings(needle).map((text) => ({ what, text })));
  writeFileSync(list, lines.map(({ text }) => text).join("\n"), { mode: 0o600 });
  try {
    const grep = ["grep", "-r", "-o", "-a", "-F", "-D", "skip", "-f", list, place];
    const { code, stdout, stderr } = await tryRun(grep, { env: { LC_ALL: "C" } });
    // 2: a file that went away meanwhile, or worse
    assert.ok(code !== 2 || /^(grep: .*: No such file or directory\n)+$/.test(stderr), stderr);
    const seen = stdout.split("\n").filter((line) => line !== "");
    return [
      ...new Set(
        seen.map((line) => {
          const file = line.slice(0, line.lastIndexOf(":"));
          return `${lines.find(({ text }) => line.endsWith(text))?.what ?? "?"} in ${file || place}`;
        }),
      ),
    ];
  } finally {
    rmSync(list, { force: true });
  }
}
