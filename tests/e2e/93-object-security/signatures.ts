/** Signatures that are not right: one bit off, too late, too early, of something else, of chunks that were moved about. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, it } from "node:test";

import { waitUntil } from "@andromede/base/waiting";

import { type Answer, type Sent, pathOf } from "../../../apps/object-store/src/s3/testing/client.ts";
import { connectApi } from "../support/api.ts";
import { PASSWORD, type World } from "./world.ts";

const BUCKET = `signatures-${randomBytes(4).toString("hex")}`;
const KEPT = "as it was";
const path = pathOf(BUCKET, "key");

type Made = { headers: { [name: string]: string }; body: Buffer };

/** The text with the lowest bit of one character changed. */
const bitOff = (text: string, at: number): string =>
  text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ 1) + text.slice(at + 1);

export function itChecksSignatures(world: () => World): void {
  before(async () => {
    assert.equal((await world().owner.s3.send("PUT", pathOf(BUCKET))).status, 200);
    assert.equal((await world().owner.s3.send("PUT", path, { body: KEPT })).status, 200);
  });
  // whatever was tried
  after(async () => {
    assert.equal((await world().owner.s3.send("GET", path)).text, KEPT);
    const listed = await world().owner.s3.send("GET", pathOf(BUCKET), { query: { "list-type": "2" } });
    assert.match(listed.text, /<KeyCount>1<\/KeyCount>/);
  });

  const put = (sent: Sent): Promise<Answer> => world().owner.s3.send("PUT", path, { body: "something else", ...sent });
  const assertRefused = (what: string, answer: Answer, statuses: readonly number[] = [403]): void =>
    assert.ok(statuses.includes(answer.status), `${what}: ${answer.status} ${answer.text}`);

  it("one bit off in any character of the Authorization header", async () => {
    let length = 0;
    await put({ spoil: ({ headers }) => void (length = (headers["authorization"] ?? "").length), skewMs: -3_600_000 });
    assert.ok(length > 200);
    for (let at = 0; at < length; at += 1) {
      let sent = "";
      const answer = await put({
        spoil: ({ headers }) => void (headers["authorization"] = sent = bitOff(headers["authorization"] ?? "", at)),
      });
      // blanks between the members mean nothing
      assertRefused(`${at}: ${sent}`, answer, [400, 403]);
    }
  });

  it("one bit off in what is signed: method, path, query, date, headers, hash and body", async () => {
    const { owner, s3At, customers } = world();
    const spoilHeader =
      (name: string) =>
      ({ headers }: Made): void => {
        const value = headers[name] ?? "";
        headers[name] = bitOff(value, value.length - 2);
      };
    for (const name of ["x-amz-date", "x-amz-content-sha256", "x-amz-meta-a"])
      assertRefused(name, await put({ headers: { "x-amz-meta-a": "abc" }, spoil: spoilHeader(name) }), [400, 403]);
    const body = await put({ spoil: (made) => void (made.body = Buffer.from(bitOff(made.body.toString(), 3))) });
    assert.deepEqual([body.status, body.code], [400, "XAmzContentSHA256Mismatch"]);
    assertRefused("a header added", await put({ spoil: ({ headers }) => void (headers["x-amz-acl"] = "public-read") }));
    assertRefused(
      "a header less",
      await put({ headers: { "x-amz-meta-a": "b" }, spoil: ({ headers }) => void delete headers["x-amz-meta-a"] }),
    );
    assertRefused(
      "a header twice",
      await put({ headers: { "x-amz-meta-a": "b" }, spoil: ({ headers }) => void (headers["x-amz-meta-a"] = "b, b") }),
    );
    // signed for one thing, sent for another
    let signed: { [name: string]: string } = {};
    await put({
      spoil: ({ headers }) => void (signed = { ...headers, authorization: headers["authorization"] ?? "" }),
      skewMs: 3_600_000,
    });
    await put({ body: KEPT, spoil: ({ headers }) => void (signed = headers) });
    for (const [method, url] of [
      ["DELETE", path],
      ["POST", path],
      ["PUT", pathOf(BUCKET, "kez")],
      ["PUT", `${path}?acl`],
      ["PUT", `${path}?tagging=`],
      ["PUT", `${path}/`],
      ["PUT", `/${path}`],
      ["PUT", path.replace("/key", "/./key")],
      ["PUT", path.replace("key", "KEY")],
    ] as const)
      assertRefused(`${method} ${url}`, await owner.s3.raw(method, url, signed, Buffer.from(KEPT)));
    assertRefused("another host", await owner.s3.raw("PUT", path, { ...signed, host: "localhost" }, Buffer.from(KEPT)));
    // another's key with this one's secret, and the other way round
    const { other } = world();
    for (const [accessKey, secretKey] of [
      [other.accessKey, owner.secretKey],
      [owner.accessKey, other.secretKey],
    ] as const)
      assertRefused("another's key", await s3At(customers, { accessKey, secretKey }).send("PUT", path, { body: "x" }));
  });

  it("a clock that is a quarter of an hour off, either way", async () => {
    for (const minutes of [-16, 16, -1440]) {
      const answer = await put({ skewMs: minutes * 60_000 });
      assert.deepEqual([answer.status, answer.code], [403, "RequestTimeTooSkewed"]);
    }
    for (const minutes of [-14, 14])
      assert.equal((await world().owner.s3.send("GET", path, { skewMs: minutes * 60_000 })).status, 200);
  });

  it("an address that was signed: too late, too early, altered, for something else", async () => {
    const { owner, nobody } = world();
    const get = owner.s3.presign("GET", path, { expires: 60 });
    assert.equal((await nobody.raw("GET", get)).text, KEPT);
    const longer = get.replace("X-Amz-Expires=60", "X-Amz-Expires=61");
    assert.notEqual(longer, get);
    for (const [what, method, url] of [
      ["expired", "GET", owner.s3.presign("GET", path, { expires: 60, skewMs: -61_000 })],
      ["not yet", "GET", owner.s3.presign("GET", path, { skewMs: 16 * 60_000 })],
      ["made longer", "GET", longer],
      ["another method", "PUT", get],
      ["another method", "DELETE", get],
      ["another key", "GET", get.replace("/key?", "/kex?")],
      ["another bucket", "GET", get.replace(BUCKET, `${BUCKET}x`)],
      ["more asked", "GET", `${get}&versionId=null`],
      ["more asked", "GET", `${get}&response-content-type=text/html`],
      ["without a signature", "GET", get.replace(/&X-Amz-Signature=.*/, "")],
      ["twice, the wrong one first", "GET", get.replace("?", `?X-Amz-Signature=${"0".repeat(64)}&`)],
      ["longer than a week", "GET", owner.s3.presign("GET", path, { expires: 604_801 })],
      ["for no time", "GET", owner.s3.presign("GET", path, { expires: 0 })],
    ] as const)
      assertRefused(
        what,
        await nobody.raw(method, url, {}, method === "PUT" ? Buffer.from("x") : undefined),
        [400, 403],
      );
    const signature = get.length - 64;
    for (let at = signature; at < get.length; at += 1)
      assertRefused(`bit ${at}`, await nobody.raw("GET", bitOff(get, at)));
    assertRefused("a header that nobody signed", await nobody.raw("GET", get, { "x-amz-meta-a": "b" }));
  });

  it("chunks that are changed, swapped, repeated, left out, cut off or another request's", async () => {
    const body = randomBytes(40_000);
    const chunk = 8_192;
    const chunksOf = (made: Buffer): Buffer[] => {
      const pieces: Buffer[] = [];
      for (let at = 0; at < made.length;) {
        const line = made.indexOf("\r\n", at);
        const size = Number.parseInt(made.subarray(at, line).toString(), 16);
        const end = size === 0 ? made.length : line + 2 + size + 2;
        pieces.push(made.subarray(at, end));
        at = end;
      }
      return pieces;
    };
    let earlier: Buffer[] = [];
    const send = (change: (chunks: Buffer[]) => Buffer[], more: Sent = {}): Promise<Answer> =>
      put({
        body,
        sign: "chunked",
        chunkBytes: chunk,
        ...more,
        spoil: (made) => {
          const chunks = chunksOf(made.body);
          made.body = Buffer.concat(change(chunks));
          made.headers["content-length"] = String(made.body.length);
        },
      });
    const flipped = (bytes: Buffer | undefined, at: number): Buffer => {
      const copy = Buffer.from(bytes ?? "");
      copy[at < 0 ? copy.length + at : at] = (copy.at(at) ?? 0) ^ 1;
      return copy;
    };
    // remembered, and not stored: the clock is off
    await send((chunks) => (earlier = chunks), { skewMs: 3_600_000 });
    assert.ok(earlier.length === 6);
    for (const [what, change] of [
      ["a bit of a body", ([first, ...rest]) => [flipped(first, -3), ...rest]],
      ["a bit of the last chunk's signature", (chunks) => [...chunks.slice(0, -1), flipped(chunks.at(-1), -6)]],
      ["a bit of a size", ([first, ...rest]) => [flipped(first, 0), ...rest]],
      ["swapped", ([a, b, ...rest]) => [b ?? Buffer.of(), a ?? Buffer.of(), ...rest]],
      ["repeated", ([a, ...rest]) => [a ?? Buffer.of(), a ?? Buffer.of(), ...rest]],
      ["left out", ([a, _b, ...rest]) => [a ?? Buffer.of(), ...rest]],
      ["no end", (chunks) => chunks.slice(0, -1)],
      ["an early end", ([a, ...rest]) => [a ?? Buffer.of(), rest.at(-1) ?? Buffer.of()]],
      ["another request's", () => earlier],
      ["another request's last", (chunks) => [...chunks.slice(0, -1), earlier.at(-1) ?? Buffer.of()]],
      [
        "unsigned",
        (chunks) =>
          chunks.map((piece) =>
            Buffer.from(piece.toString("latin1").replace(/;chunk-signature=[0-9a-f]+/, ""), "latin1"),
          ),
      ],
      ["more behind the end", (chunks) => [...chunks, ...chunks]],
    ] satisfies [string, (chunks: Buffer[]) => Buffer[]][]) {
      const answer = await send(change);
      assertRefused(what, answer, [400, 403]);
    }
  });

  it("a trailer that is changed, or not signed", async () => {
    const trailer = { "x-amz-checksum-crc32": "DUoRhQ==" };
    const send = (change: (text: string) => string): Promise<Answer> =>
      put({
        body: "hello world",
        sign: "chunked-trailer",
        trailer,
        spoil: (made) => {
          made.body = Buffer.from(change(made.body.toString("latin1")), "latin1");
          made.headers["content-length"] = String(made.body.length);
        },
      });
    for (const [what, change] of [
      ["another checksum", (text) => text.replace("DUoRhQ==", "DUoRhA==")],
      ["another header", (text) => text.replace("checksum-crc32:", "checksum-crc32x:")],
      ["one more header", (text) => text.replace("x-amz-trailer-", "x-amz-meta-a:b\r\nx-amz-trailer-")],
      ["no signature", (text) => text.replace(/x-amz-trailer-signature:.*\r\n/, "")],
      ["no trailer", (text) => text.replace(/x-amz-checksum-crc32:.*\r\n/, "")],
      ["a bit of the signature", (text) => bitOff(text, text.indexOf("trailer-signature:") + 20)],
    ] satisfies [string, (text: string) => string][])
      assertRefused(what, await send(change), [400, 403]);
  });

  it("a key that was taken away, a moment later", async () => {
    const { cloud, s3At, customers } = world();
    const api = connectApi(cloud, "andromede", {
      username: "object-security-owner",
      password: PASSWORD,
      project: "object-security-owner",
    });
    const { userId, projectId } = await api.session();
    const pairs = `/users/${userId}/credentials/OS-EC2`;
    type Pair = { credential: { access: string; secret: string } };
    const { credential } = await api.call<Pair>("identity", "POST", pairs, { body: { tenant_id: projectId } });
    const s3 = s3At(customers, { accessKey: credential.access, secretKey: credential.secret });
    const address = s3.presign("GET", path);
    assert.equal((await s3.raw("GET", address)).text, KEPT);
    await api.call("identity", "DELETE", `${pairs}/${credential.access}`);
    api.close();
    await waitUntil("the key to open nothing", async () => (await s3.send("GET", path)).status === 403, {
      timeoutMs: 5_000,
    });
    // nor what it signed before
    assert.equal((await s3.raw("GET", address)).status, 403);
  });
}
