import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, describe, it } from "node:test";

import { type TestSwift, startSwift } from "./testing/start-swift.ts";

/** What Node itself would not send in a header. */
// oxlint-disable-next-line no-control-regex
const UNSENDABLE = /[\x00-\x08\n-\x1f]/g;

/** Bytes as they are on the wire; gives all that comes back until the other end closes. */
function exchangeBytes(base: string, parts: string[], { cutAfter }: { cutAfter?: boolean } = {}): Promise<string> {
  const { hostname, port } = new URL(base);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => {
      for (const part of parts) socket.write(part, "latin1");
      if (cutAfter === true) socket.end(() => socket.destroy());
    });
    let seen = "";
    socket.on("data", (chunk) => (seen += chunk.toString("latin1")));
    socket.once("error", reject);
    socket.once("close", () => resolve(seen));
  });
}

describe("swift: requests that nobody should make", () => {
  let swift: TestSwift;
  before(async () => {
    swift = await startSwift();
    await swift.as("PUT", "/c");
    await swift.as("PUT", "/c/o", { body: "kept" });
    await swift.as("PUT", "/d");
  });
  after(() => swift.stop());
  const head = (method: string, path: string, headers: string[]): string =>
    [
      `${method} ${swift.account}${path} HTTP/1.1`,
      "Host: x",
      "Connection: close",
      `X-Auth-Token: ${swift.token}`,
      ...headers,
      "",
      "",
    ].join("\r\n");

  it("get an answer below 500, and change nothing", async () => {
    const nasty = [
      "\x01",
      "%",
      "%%",
      "%00",
      "%ff",
      "..",
      "../..",
      "//",
      "a//b",
      "a/./b/../c",
      "%2e%2e%2f",
      "?",
      "&",
      "=",
      "é",
      "%F0%9F%98%80",
      "0",
      "-1",
      "1e9",
      "99999999999999999999",
      "NaN",
      "null",
      "true",
      "[]",
      "{}",
      '"',
      "'; drop table object; --",
      "\t",
      "a".repeat(5000),
      "bytes=0-",
      "bytes=-1",
      "bytes=9-1",
      "*",
      'W/"x"',
      "Mon, 99 Jan 2001",
      "text/plain; q=x",
      "AUTH_x/c/o",
      "c/none",
    ];
    const headerNames = [
      "Range",
      "If-Match",
      "If-None-Match",
      "If-Modified-Since",
      "If-Range",
      "ETag",
      "Content-Type",
      "Accept",
      "X-Delete-At",
      "X-Delete-After",
      "X-Copy-From",
      "X-Copy-From-Account",
      "Destination",
      "Destination-Account",
      "X-Object-Manifest",
      "X-Symlink-Target",
      "X-Symlink-Target-Account",
      "X-Symlink-Target-Etag",
      "X-Container-Read",
      "X-Container-Write",
      "X-Versions-Location",
      "X-Versions-Enabled",
      "X-Storage-Policy",
      "X-Container-Meta-Quota-Bytes",
      "X-Account-Meta-Quota-Bytes",
      "X-Object-Meta-X",
      "X-Auth-Token",
      "Origin",
      "X-Fresh-Metadata",
      "X-Detect-Content-Type",
      "X-Newest",
      "X-Timestamp",
      "X-Static-Large-Object",
      "Referer",
      "X-Web-Mode",
    ];
    const queryNames = [
      "format",
      "limit",
      "marker",
      "end_marker",
      "prefix",
      "delimiter",
      "path",
      "reverse",
      "versions",
      "version-id",
      "version_marker",
      "multipart-manifest",
      "symlink",
      "temp_url_sig",
      "temp_url_expires",
      "temp_url_prefix",
      "temp_url_ip_range",
      "extract-archive",
      "heartbeat",
    ];
    const methods = ["GET", "HEAD", "PUT", "POST", "COPY", "OPTIONS"];
    // as large as it must be to meet each pair of a name and a value once
    for (const [index, value] of nasty.entries()) {
      const asked: Promise<unknown>[] = [];
      const ask = async (method: string, path: string, headers: { [name: string]: string }): Promise<void> => {
        const answer = await swift.as(method, path, {
          headers,
          ...(method === "PUT" || method === "POST" ? { body: value } : {}),
        });
        assert.ok(answer.status < 500, `${method} ${path} ${JSON.stringify(headers)}: ${answer.status} ${answer.text}`);
      };
      const escaped = encodeURIComponent(value).slice(0, 9000);
      for (const [place, name] of headerNames.entries()) {
        const method = methods[(place + index) % methods.length] ?? "GET";
        const path = ["/c/n", "/c/n/x", "/c"][(place + index) % 3] ?? "";
        const latin = Buffer.from(value).toString("latin1").replaceAll(UNSENDABLE, "");
        asked.push(ask(method, path, { [name]: latin }));
      }
      for (const [place, name] of queryNames.entries()) {
        const method = methods[(place + index) % methods.length] ?? "GET";
        const path = ["/c/n", "/c", ""][(place + index) % 3] ?? "";
        asked.push(ask(path === "/c/n" ? method : "GET", `${path}?${name}=${escaped}`, {}));
      }
      asked.push(ask("GET", `/${escaped}`, {}), ask("GET", `/c/${escaped}`, {}), ask("POST", "?bulk-delete", {}));
      asked.push(ask("PUT", "?extract-archive=tar", {}), ask("PUT", "/c/n?multipart-manifest=put", {}));
      await Promise.all(asked);
    }
    assert.equal((await swift.as("GET", "/c/o")).text, "kept");
  });

  it("no text of a client's ends a header of an answer, or spoils one", async () => {
    // U+010D and U+010A: cut to bytes they would be the end of a line
    const text = Buffer.from('attachment; filename="\u2603 \u010d\u010aX-Injected: yes"').toString("latin1");
    // as bytes: Node's client would spoil it itself
    const lines = [
      `Content-Disposition: ${text}`,
      `Content-Type: ${text}`,
      `X-Object-Meta-A: ${text}`,
      "Content-Length: 1",
    ];
    assert.match(await exchangeBytes(swift.base, [head("PUT", "/d/odd", lines), "x"]), /^HTTP\/1\.1 201 /);
    for (const [method, path] of [
      ["HEAD", "/d/odd"],
      ["GET", "/d/odd"],
      ["GET", "/d/odd?multipart-manifest=get"],
    ] as const) {
      const answer = await swift.as(method, path);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers["content-disposition"], text);
      assert.equal(answer.headers["content-type"], text);
      assert.equal(answer.headers["x-injected"], undefined);
    }
    await exchangeBytes(swift.base, [head("POST", "/d", [`X-Container-Meta-A: ${text}`, "Content-Length: 0"])]);
    for (const method of ["GET", "HEAD"])
      assert.equal((await swift.as(method, "/d?format=json")).headers["x-container-meta-a"], text, method);
    await swift.as("DELETE", "/d/odd");
    const link = { "X-Symlink-Target": "c/o", "X-Symlink-Target-Account": "AUTH_%E2%98%83" };
    await swift.as("PUT", "/d/link", { headers: link });
    const linked = await swift.as("HEAD", "/d/link?symlink=get");
    assert.deepEqual([linked.status, linked.headers["x-symlink-target-account"]], [200, "AUTH_%E2%98%83"]);
    await swift.as("DELETE", "/d/link");
  });

  it("a client that asks for leave to send is told to go on only where it may", async () => {
    const expecting = ["Expect: 100-continue", "Content-Length: 4"];
    const done = await exchangeBytes(swift.base, [head("PUT", "/d/asked", expecting), "body"]);
    assert.match(done, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 201 Created\r\n/);
    const refused = await exchangeBytes(swift.base, [head("PUT", "/nowhere/asked", expecting)]);
    assert.match(refused, /^HTTP\/1\.1 404 Not Found\r\n/);
  });

  it("a body that breaks off leaves nothing behind", async () => {
    for (const coding of ["Content-Length: 100000", "Transfer-Encoding: chunked"]) {
      await exchangeBytes(
        swift.base,
        [head("PUT", "/d/broken", [coding]), coding.startsWith("T") ? "5\r\nhello\r\n" : "hello"],
        { cutAfter: true },
      );
      assert.equal((await swift.as("GET", "/d/broken")).status, 404);
    }
    await swift.as("PUT", "/d/whole", { body: "whole" });
    assert.equal((await swift.as("GET", "/d")).text, "asked\nwhole\n");
  });

  it("lengths that are missing, doubled or wrong", async () => {
    assert.match(await exchangeBytes(swift.base, [head("PUT", "/d/n", [])]), /^HTTP\/1\.1 411 Length Required\r\n/);
    assert.match(
      await exchangeBytes(swift.base, [head("PUT", "/d/n", ["Content-Length: 5368709123"])]),
      /^HTTP\/1\.1 413 Request Entity Too Large\r\n/,
    );
    for (const lengths of [
      ["Content-Length: 1", "Content-Length: 2"],
      ["Content-Length: 1", "Transfer-Encoding: chunked"],
      ["Content-Length: -1"],
    ])
      assert.match(
        await exchangeBytes(swift.base, [head("PUT", "/d/n", lengths), "x"]),
        /^HTTP\/1\.1 400 Bad Request\r\n/,
        lengths.join(),
      );
    assert.equal((await swift.as("GET", "/d/n")).status < 500, true);
  });
});
