/** Uploads in parts through S3, on a whole store. */
import assert from "node:assert/strict";
import { hash, randomBytes } from "node:crypto";
import { after, before, test } from "node:test";

import { digestsOf } from "../../bytes/digests.ts";
import { type TestStore, createTestStore } from "../../testing/test-store.ts";
import { checksumOfParts, checksumValue, digestNameOf } from "../body/checksums.ts";
import { s3Front } from "../front.ts";
import { ok, refused } from "../testing/answers.ts";
import { type Answer, type S3Client, createS3Client, pathOf } from "../testing/client.ts";
import { childText, childrenOf } from "../xml/parse.ts";

let stand: TestStore;
let client: S3Client;
let other: S3Client;

before(async () => {
  stand = await createTestStore();
  const url = await stand.listen({ s3: s3Front });
  client = createS3Client(url, stand.accessKeyFor());
  other = createS3Client(url, stand.accessKeyFor());
  await ok(client.send("PUT", "/docs"));
});
after(() => stand.stop());

const uploads = (): Promise<Answer> => ok(client.send("GET", "/docs", { query: { uploads: "" } }));

const names = (answer: Answer, element: string, child: string): (string | undefined)[] =>
  childrenOf(answer.xml(), element).map((each) => childText(each, child));

async function upload(key: string, headers: { [name: string]: string } = {}): Promise<string> {
  const begun = await ok(client.send("POST", pathOf("docs", key), { query: { uploads: "" }, headers }));
  return childText(begun.xml(), "UploadId") ?? "";
}

const part = (key: string, uploadId: string, number: number, body: Buffer, headers = {}): Promise<Answer> =>
  client.send("PUT", pathOf("docs", key), { query: { uploadId, partNumber: String(number) }, body, headers });

const complete = (
  key: string,
  uploadId: string,
  parts: [number: number, etag: string][],
  headers = {},
): Promise<Answer> =>
  client.send("POST", pathOf("docs", key), {
    query: { uploadId },
    headers,
    body: `<CompleteMultipartUpload>${parts.map(([number, etag]) => `<Part><PartNumber>${number}</PartNumber><ETag>"${etag}"</ETag></Part>`).join("")}</CompleteMultipartUpload>`,
  });

test("an upload in parts: listed, completed once, told again to who asks again", async () => {
  const id = await upload("big", { "content-type": "video/x", "x-amz-meta-a": "b" });
  const bodies = [randomBytes(5 << 20), randomBytes(1000)];
  const etags = bodies.map((body) => hash("md5", body));
  for (const [at, body] of bodies.entries())
    assert.equal((await ok(part("big", id, at * 5 + 1, body))).headers.etag, `"${etags[at]}"`);
  const parts = await ok(client.send("GET", "/docs/big", { query: { uploadId: id } }));
  assert.deepEqual(names(parts, "Part", "PartNumber"), ["1", "6"]);
  assert.deepEqual(names(await uploads(), "Upload", "UploadId"), [id]);
  await refused(client.send("GET", "/docs/big"), 404, "NoSuchKey");
  const named: [number, string][] = [
    [1, etags[0] ?? ""],
    [6, etags[1] ?? ""],
  ];
  await refused(complete("big", id, named.toReversed()), 400, "InvalidPartOrder");
  await refused(complete("big", id, [[1, etags[1] ?? ""]]), 400, "InvalidPart");
  await refused(complete("big", id, [[2, etags[0] ?? ""]]), 400, "InvalidPart");
  await refused(complete("big", id, []), 400, "MalformedXML");
  await refused(complete("big", id, named, { "if-match": '"x"' }), 404, "NoSuchKey");
  const done = await ok(complete("big", id, named));
  const etag = `"${hash("md5", Buffer.from(etags.join(""), "hex"))}-2"`;
  assert.equal(childText(done.xml(), "ETag"), etag);
  assert.equal(childText((await ok(complete("big", id, named))).xml(), "ETag"), etag);
  const got = await ok(client.send("GET", "/docs/big"));
  assert.ok(got.body.equals(Buffer.concat(bodies)));
  assert.equal(got.headers["content-type"], "video/x");
  assert.equal(got.headers["x-amz-meta-a"], "b");
  const second = await ok(client.send("GET", "/docs/big", { query: { partNumber: "2" } }), 206);
  assert.ok(second.body.equals(bodies[1] ?? Buffer.alloc(0)));
  assert.equal(second.headers["x-amz-mp-parts-count"], "2");
  assert.equal(
    (await ok(client.send("GET", "/docs/big", { headers: { range: "bytes=5242878-5242881" } }), 206)).body.length,
    4,
  );
  await refused(part("big", id, 1, Buffer.from("late")), 404, "NoSuchUpload");
});

test("parts that are too small, numbered wrong or of an upload that is none", async () => {
  const id = await upload("small");
  const etag = hash("md5", "x");
  for (const number of [1, 2]) await ok(part("small", id, number, Buffer.from("x")));
  await refused(
    complete("small", id, [
      [1, etag],
      [2, etag],
    ]),
    400,
    "EntityTooSmall",
  );
  for (const number of [0, 10_001]) await refused(part("small", id, number, Buffer.from("x")), 400, "InvalidArgument");
  await refused(part("small", "nope", 1, Buffer.from("x")), 404, "NoSuchUpload");
  await refused(part("other-key", id, 1, Buffer.from("x")), 404, "NoSuchUpload");
  await refused(
    other.send("PUT", "/docs/small", { query: { uploadId: id, partNumber: "1" }, body: "x" }),
    403,
    "AccessDenied",
  );
  await ok(client.send("DELETE", "/docs/small", { query: { uploadId: id } }), 204);
  await refused(client.send("DELETE", "/docs/small", { query: { uploadId: id } }), 404, "NoSuchUpload");
  assert.deepEqual(names(await uploads(), "Upload", "UploadId"), []);
});

test("checksums of parts make that of the object, as the upload said", async () => {
  const bodies = [randomBytes(5 << 20), randomBytes(333)];
  for (const [algorithm, type] of [
    ["CRC32", "COMPOSITE"],
    ["CRC64NVME", "FULL_OBJECT"],
    ["CRC32C", "FULL_OBJECT"],
    ["SHA256", "COMPOSITE"],
  ] as const) {
    const name = digestNameOf(algorithm);
    const header = `x-amz-checksum-${name}`;
    const id = await upload("summed", { "x-amz-checksum-algorithm": algorithm, "x-amz-checksum-type": type });
    const named: [number, string][] = [];
    const values: { value: string; size: number }[] = [];
    for (const [at, body] of bodies.entries()) {
      const put = await ok(part("summed", id, at + 1, body));
      named.push([at + 1, hash("md5", body)]);
      values.push({ value: String(put.headers[header]), size: body.length });
      assert.equal(put.headers[header], checksumValue(algorithm, digestsOf([name], body)));
    }
    const wrong = type === "FULL_OBJECT" ? { [header]: values[0]?.value ?? "" } : { "x-amz-mp-object-size": "1" };
    await refused(complete("summed", id, named, wrong), 400);
    const done = await ok(complete("summed", id, named));
    const expected =
      type === "FULL_OBJECT"
        ? checksumValue(algorithm, digestsOf([name], Buffer.concat(bodies)))
        : checksumOfParts(algorithm, type, values);
    assert.equal(childText(done.xml(), `Checksum${algorithm}`), expected);
    const shown = await ok(client.send("HEAD", "/docs/summed", { headers: { "x-amz-checksum-mode": "ENABLED" } }));
    assert.equal(shown.headers[header], expected);
    assert.equal(shown.headers["x-amz-checksum-type"], type);
  }
  const id = await upload("summed", { "x-amz-checksum-algorithm": "SHA1" });
  const crc = { "x-amz-checksum-crc32": "AAAAAA==" };
  await refused(part("summed", id, 1, Buffer.from("x"), crc), 400, "InvalidRequest");
  await refused(
    client.send("POST", "/docs/x", { query: { uploads: "" }, headers: { "x-amz-checksum-algorithm": "MD4" } }),
    400,
    "InvalidRequest",
  );
});

test("parts copied from objects, whole and in ranges", async () => {
  const body = randomBytes(6 << 20);
  await ok(client.send("PUT", "/docs/source", { body }));
  const id = await upload("copied");
  const copy = (number: number, headers: { [name: string]: string }): Promise<Answer> =>
    client.send("PUT", "/docs/copied", {
      query: { uploadId: id, partNumber: String(number) },
      headers: { "x-amz-copy-source": "/docs/source", ...headers },
    });
  const first = await ok(copy(1, {}));
  const second = await ok(copy(2, { "x-amz-copy-source-range": "bytes=10-19" }));
  const etag = (answer: Answer): string => (childText(answer.xml(), "ETag") ?? "").replaceAll('"', "");
  for (const range of ["bytes=0-99999999", "bytes=-5", "0-5"])
    await refused(copy(3, { "x-amz-copy-source-range": range }), 400, "InvalidArgument");
  await refused(copy(3, { "x-amz-copy-source-if-none-match": "*" }), 412, "PreconditionFailed");
  await ok(
    complete("copied", id, [
      [1, etag(first)],
      [2, etag(second)],
    ]),
  );
  const got = await ok(client.send("GET", "/docs/copied"));
  assert.ok(got.body.equals(Buffer.concat([body, body.subarray(10, 20)])));
});
