/**
 * Requests whose end two readers could see in two places, as bytes on a TLS connection. Behind each comes a second one that would
 * take the object away or put another there: whether anybody carried it out, the bucket tells.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { before, it } from "node:test";
import { connect } from "node:tls";

import { pathOf } from "../../../apps/object-store/src/s3/testing/client.ts";
import type { World } from "./world.ts";

const BUCKET = `smuggling-${randomBytes(4).toString("hex")}`;
const KEPT = "as it was";
const LIMIT_MS = 10_000;
/** An answer may begin right behind the body of another, which has nothing of the kind in it. */
const ANSWER = /HTTP\/1\.1 ([2-5]\d\d) /g;

type Seen = { text: string; statuses: number[]; closed: boolean };

export function itReadsRequestsInOneWay(world: () => World): void {
  const key = pathOf(BUCKET, "kept");
  before(async () => {
    assert.equal((await world().owner.s3.send("PUT", pathOf(BUCKET))).status, 200);
    assert.equal((await world().owner.s3.send("PUT", key, { body: KEPT })).status, 200);
  });

  /** Sends these bytes and nothing more; sees what comes until the server closes, or (`until`) so many answers have come. */
  function exchange(bytes: string, until = Number.POSITIVE_INFINITY): Promise<Seen> {
    const { customers, ca, heard } = world();
    const { promise, resolve, reject } = Promise.withResolvers<Seen>();
    let text = "";
    const end = (closed: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      const statuses = [...text.matchAll(ANSWER)].map(([, status]) => Number(status));
      for (const status of statuses) heard.push({ what: `raw ${bytes.slice(0, 60)}`, status });
      resolve({ text, statuses, closed });
    };
    const socket = connect({ host: "127.0.0.1", port: customers.port, ca }, () => void socket.write(bytes, "latin1"));
    const timer = setTimeout(() => end(false), LIMIT_MS);
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      if ((text.match(ANSWER)?.length ?? 0) >= until) end(false);
    });
    socket.once("close", () => end(true));
    socket.once("error", (error: NodeJS.ErrnoException) => (error.code === "ECONNRESET" ? end(true) : reject(error)));
    return promise;
  }

  const presign = (method: string, name: string): string => world().owner.s3.presign(method, pathOf(BUCKET, name));
  const head = (method: string, path: string, lines: string[]): string =>
    [`${method} ${path} HTTP/1.1`, `Host: ${world().customers.host}`, ...lines, "", ""].join("\r\n");
  /** What must not be carried out. */
  const second = (): string =>
    head("DELETE", presign("DELETE", "kept"), []) +
    head("PUT", presign("PUT", "smuggled"), ["Content-Length: 1"]) +
    "x";

  async function assertUntouched(what: string): Promise<void> {
    const { owner } = world();
    assert.equal((await owner.s3.send("GET", key)).text, KEPT, what);
    assert.equal((await owner.s3.send("GET", pathOf(BUCKET, "smuggled"))).status, 404, what);
  }

  it("two requests one after the other, that are just that, are both carried out", async () => {
    const { owner } = world();
    const two =
      head("PUT", presign("PUT", "first"), ["Content-Length: 5"]) +
      "first" +
      head("DELETE", presign("DELETE", "first"), []);
    assert.deepEqual((await exchange(two, 2)).statuses, [200, 204]);
    assert.equal((await owner.s3.send("GET", pathOf(BUCKET, "first"))).status, 404);
    // in their order, however many come in one breath
    const bodies = Array.from({ length: 40 }, (_, index) => `body ${index}`.padEnd(9));
    const many = bodies.map((body) => head("PUT", presign("PUT", "first"), ["Content-Length: 9"]) + body).join("");
    assert.deepEqual(
      (await exchange(many, 40)).statuses,
      bodies.map(() => 200),
    );
    assert.equal((await owner.s3.send("GET", pathOf(BUCKET, "first"))).text, bodies.at(-1));
    await assertUntouched("two requests");
  });

  it("lengths that contradict each other or are none: refused, closed, and what follows is not read", async () => {
    const put = (lines: string[]): string => head("PUT", presign("PUT", "smuggled"), lines);
    const chunked = "Transfer-Encoding: chunked";
    for (const lines of [
      ["Content-Length: 5", chunked],
      [chunked, "Content-Length: 5"],
      ["Content-Length: 0", chunked],
      ["Content-Length: 0", "Content-Length: 5"],
      ["Content-Length: 5", "Content-Length: 5"],
      ["Content-Length: 0, 5"],
      ["Content-Length: +0"],
      ["Content-Length: -1"],
      ["Content-Length: 0x5"],
      ["Content-Length: 5 5"],
      ["Content-Length: 99999999999999999999999999"],
      ["Content-Length:"],
      ["Content-Length : 0"],
      ["Content-Length\u000b: 0"],
      [" Content-Length: 5"],
      ["X-A: b", "\tContent-Length: 5"],
      ["Content-Length: 0", " 5"],
      ["Transfer-Encoding: chunked", " , identity"],
      ["Transfer-Encoding: xchunked"],
      ["Transfer-Encoding: chunked, identity"],
      ["Transfer-Encoding: identity"],
      ["Transfer-Encoding: gzip, chunked"],
      ["Transfer-Encoding: chunked, chunked"],
      ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
      ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
      ["Transfer-Encoding : chunked"],
      ["Transfer-Encoding:\u000bchunked"],
      ["Transfer_Encoding: chunked", "Content-Length: 5\u0000"],
      ["X-A: b\nTransfer-Encoding: chunked"],
      ["X-A: b\rTransfer-Encoding: chunked"],
      ["X-A: \u0000"],
      ["X-A\u0000: b"],
      ["X A: b"],
      [": b"],
      ["no colon"],
      ["Host: elsewhere"],
    ]) {
      const what = JSON.stringify(lines);
      const seen = await exchange(put(lines) + `0\r\n\r\n${second()}`);
      assert.ok(seen.statuses.length === 1 && [400, 501].includes(seen.statuses[0] ?? 0), `${what}: ${seen.text}`);
      assert.ok(seen.closed, `${what}: still open`);
      await assertUntouched(what);
    }
  });

  it("request lines that are none, or of another protocol", async () => {
    const path = presign("GET", "kept");
    const { host } = world().customers;
    for (const line of [
      `GET ${path}`,
      `GET ${path} HTTP/1.1 HTTP/1.1`,
      `GET ${path} HTTP/2.0`,
      `GET ${path} HTTP/1.10`,
      `GET ${path} http/1.1`,
      `G\u0000ET ${path} HTTP/1.1`,
      `GET ${path}\u0000 HTTP/1.1`,
      `GET ${path} \r HTTP/1.1`,
      `get ${path} HTTP/1.1`,
      `PRI * HTTP/2.0`,
      ` GET ${path} HTTP/1.1`,
      `GET key HTTP/1.1`,
      `GET * HTTP/1.1`,
      `GET ${host}${path} HTTP/1.1`,
      `GET http:/${path} HTTP/1.1`,
      `GET https://elsewhere${path} HTTP/1.1`,
      `CONNECT ${host} HTTP/1.1`,
      "\u0016\u0003\u0001\u0002",
    ]) {
      const seen = await exchange(`${line}\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      assert.ok(seen.closed, `${JSON.stringify(line)}: still open`);
      assert.ok(seen.statuses.length <= 1, line);
      const [status = 400] = seen.statuses;
      assert.ok(status === 400 || status === 405, `${JSON.stringify(line)}: ${seen.text}`);
      assert.ok(!seen.text.includes(KEPT), line);
    }
    // without a Host nobody can say whose address it is
    assert.deepEqual((await exchange(`GET ${path} HTTP/1.1\r\n\r\n`)).statuses, [400]);
  });

  it("a target with its scheme and host, as proxies send it, is the same as without", async () => {
    const seen = await exchange(
      head("GET", `${world().customers.url}${presign("GET", "kept")}`, ["Connection: close"]),
    );
    assert.deepEqual(seen.statuses, [200], seen.text);
    assert.ok(seen.text.endsWith(KEPT));
    const swift = await exchange(head("GET", `${world().customers.url}/healthcheck`, ["Connection: close"]));
    assert.deepEqual(swift.statuses, [200], swift.text);
  });

  it("chunks: extensions mean nothing, sizes are exact, a trailer changes nothing", async () => {
    const { owner } = world();
    const put = (name: string, body: string): string =>
      head("PUT", presign("PUT", name), ["Transfer-Encoding: chunked", "Connection: close"]) + body;
    for (const [name, body] of [
      ["extension", '5;a=b;c="d;e"\r\nhello\r\n0;last\r\n\r\n'],
      ["trailer", "5\r\nhello\r\n0\r\nHost: elsewhere\r\nx-amz-meta-a: b\r\nX-Auth-Token: x\r\n\r\n"],
      ["zeros", "00005\r\nhello\r\n000\r\n\r\n"],
    ] as const) {
      // S3 wants to know the length before; Swift does not
      const seen = await exchange(put(name, body));
      assert.ok([200, 411].includes(seen.statuses[0] ?? 0) && seen.statuses.length === 1 && seen.closed, seen.text);
      const swift = await exchange(
        head("PUT", `/v1/AUTH_${owner.projectId}/${BUCKET}/${name}`, [
          `X-Auth-Token: ${owner.token}`,
          "Transfer-Encoding: chunked",
          "Connection: close",
        ]) + body,
      );
      assert.deepEqual(swift.statuses, [201], swift.text);
      const stored = await owner.s3.send("GET", pathOf(BUCKET, name));
      assert.deepEqual([stored.text, stored.headers["x-amz-meta-a"]], ["hello", undefined]);
    }
    for (const body of [
      "5\r\nhello!\r\n0\r\n\r\n",
      "6\r\nhello\r\n0\r\n\r\n",
      "5\nhello\n0\n\n",
      "5 \r\nhello\r\n0\r\n\r\n",
      "0x5\r\nhello\r\n0\r\n\r\n",
      "-5\r\nhello\r\n0\r\n\r\n",
      "fffffffffffffffff\r\nhello\r\n0\r\n\r\n",
      "\r\n5\r\nhello\r\n0\r\n\r\n",
      "5;\u0000\r\nhello\r\n0\r\n\r\n",
      `5;${"x".repeat(70_000)}\r\nhello\r\n0\r\n\r\n`,
      "5\r\nhello\r\n0\r\nno colon\r\n\r\n",
      "5\r\nhello\r\n0\r\nContent-Length: 99\r\n\r\n",
      "5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
      `5\r\nhello\r\n0\r\n${"x-a: b\r\n".repeat(20_000)}\r\n`,
    ]) {
      const what = JSON.stringify(body.slice(0, 40));
      const swift = head("PUT", `/v1/AUTH_${owner.projectId}/${BUCKET}/smuggled`, [
        `X-Auth-Token: ${owner.token}`,
        "Transfer-Encoding: chunked",
      ]);
      const seen = await exchange(swift + body + second());
      assert.ok(seen.closed, `${what}: still open`);
      assert.ok(
        seen.statuses.every((status) => [400, 408, 413, 431, 499].includes(status)),
        `${what}: ${seen.text}`,
      );
      assert.ok(seen.statuses.length <= 1, `${what}: ${seen.text}`);
      await assertUntouched(what);
    }
  });

  it("nothing is read behind a request that was to be the last", async () => {
    const seen = await exchange(head("GET", presign("GET", "kept"), ["Connection: close"]) + second());
    assert.deepEqual([seen.statuses, seen.closed], [[200], true]);
    assert.ok(seen.text.endsWith(KEPT));
    await assertUntouched("the last");
  });

  it("what follows a request and is none spoils nothing of its answer", async () => {
    const { owner } = world();
    const body = randomBytes(8 << 20);
    assert.equal((await owner.s3.send("PUT", pathOf(BUCKET, "large"), { body })).status, 200);
    const seen = await exchange(`${head("GET", presign("GET", "large"), [])}\u0000 nonsense\r\n\r\n`);
    const [answer = "", ...rest] = seen.text.split("\r\n\r\n");
    assert.ok(seen.closed && seen.statuses.length <= 1, answer);
    const got = Buffer.from(rest.join("\r\n\r\n"), "latin1");
    assert.ok(got.equals(body.subarray(0, got.length)), "bytes that are not the object's");
  });

  it("heads that have no end", async () => {
    const path = presign("GET", "kept");
    const { host } = world().customers;
    for (const bytes of [
      `GET ${path}&${"x".repeat(100_000)} HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
      head("GET", path, [`X-A: ${"x".repeat(100_000)}`]),
      head(
        "GET",
        path,
        Array.from({ length: 20_000 }, (_, index) => `X-${index}: x`),
      ),
      head("GET", path, [`${"X".repeat(100_000)}: x`]),
    ]) {
      const seen = await exchange(bytes + second());
      assert.deepEqual([seen.statuses, seen.closed], [[431], true]);
      await assertUntouched(bytes.slice(0, 30));
    }
    // as many as fit are all read: what nobody signed is not passed over because it comes late
    const many = Array.from({ length: 5_000 }, (_, index) => `a${index}:`);
    const seen = await exchange(head("GET", path, [...many, "x-amz-late: x", "Connection: close"]));
    assert.ok(
      [[403], [431]].some(([status]) => seen.statuses.length === 1 && seen.statuses[0] === status),
      seen.text,
    );
  });

  it("a refused body is not taken for a request", async () => {
    // nobody's: refused before a byte of it is read
    const body = second();
    const seen = await exchange(
      head("PUT", key, [`Content-Length: ${body.length}`]) +
        body +
        head("GET", presign("GET", "kept"), ["Connection: close"]),
    );
    assert.deepEqual(seen.statuses, [403, 200]);
    const waiting = await exchange(
      head("PUT", key, [`Content-Length: ${body.length}`, "Expect: 100-continue"]) + body,
      1,
    );
    assert.deepEqual(waiting.statuses, [403]);
    const odd = await exchange(head("PUT", key, ["Content-Length: 0", "Expect: something", "Connection: close"]));
    assert.deepEqual(odd.statuses, [417]);
    await assertUntouched("a refused body");
  });
}
