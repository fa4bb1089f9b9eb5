/** The examples that Amazon publishes for Signature Version 4 in S3's API reference. */
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";

import type { Actor } from "@andromede/platform/tokens/actor";
import { signingKeyOf } from "@andromede/platform/tokens/signing-key";

import { parseQuery } from "../query.ts";
import { type Presented, authenticate } from "./authenticate.ts";
import { canonicalPath, canonicalQuery, parseTimestamp } from "./canonical.ts";
import { ChunkedBody } from "./chunked-body.ts";

const SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const KEY = "AKIAIOSFODNN7EXAMPLE";
const EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const NOW = Date.UTC(2013, 4, 24);
const DATE = "20130524T000000Z";

const actor: Actor = {
  userId: "u",
  userName: "alice",
  userDomainId: "default",
  projectId: "p",
  projectName: "p",
  projectDomainId: "default",
  domainId: null,
  roles: new Set(["member"]),
  directory: "customer",
  auditIds: ["a"],
  expiresAtMs: NOW + 1e9,
};

const deps = (nowMs = NOW, directory: Actor["directory"] = "customer") => ({
  nowMs,
  door: { plane: "customer" as const, url: "https://s3.example.org" },
  accessKeys: {
    find: async (accessKey: string, scope: { date: string; region: string; service: string }) =>
      accessKey === KEY ? { actor: { ...actor, directory }, signingKey: signingKeyOf(SECRET, scope) } : null,
  },
});

const authorization = (signedHeaders: string, signature: string): string =>
  `AWS4-HMAC-SHA256 Credential=${KEY}/20130524/us-east-1/s3/aws4_request,SignedHeaders=${signedHeaders},Signature=${signature}`;

function presented(method: string, rawPath: string, rawQuery: string, headers: { [name: string]: string }): Presented {
  return {
    method,
    rawPath,
    rawQuery,
    query: parseQuery(rawQuery),
    headers: { host: "examplebucket.s3.amazonaws.com", ...headers },
  };
}

const get = (signature = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"): Presented =>
  presented("GET", "/test.txt", "", {
    range: "bytes=0-9",
    "x-amz-content-sha256": EMPTY,
    "x-amz-date": DATE,
    authorization: authorization("host;range;x-amz-content-sha256;x-amz-date", signature),
  });

const refused = async (request: Presented, type: string, options = deps()): Promise<void> => {
  await assert.rejects(async () => authenticate(request, options), { type });
};

test("the published examples are right", async () => {
  const put = presented("PUT", "/test$file.text", "", {
    date: "Fri, 24 May 2013 00:00:00 GMT",
    "x-amz-content-sha256": "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
    "x-amz-date": DATE,
    "x-amz-storage-class": "REDUCED_REDUNDANCY",
    authorization: authorization(
      "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
      "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    ),
  });
  const lifecycle = presented("GET", "/", "lifecycle", {
    "x-amz-content-sha256": EMPTY,
    "x-amz-date": DATE,
    authorization: authorization(
      "host;x-amz-content-sha256;x-amz-date",
      "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
    ),
  });
  const list = presented("GET", "/", "max-keys=2&prefix=J", {
    "x-amz-content-sha256": EMPTY,
    "x-amz-date": DATE,
    authorization: authorization(
      "host;x-amz-content-sha256;x-amz-date",
      "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    ),
  });
  for (const request of [get(), put, lifecycle, list]) {
    const caller = await authenticate(request, deps());
    assert.equal(caller.actor?.userId, "u");
    assert.equal(caller.authType, "REST-HEADER");
  }
});

const PRESIGNED =
  "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request" +
  "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host";
const presign = (signature = "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"): Presented =>
  presented("GET", "/test.txt", `${PRESIGNED}&X-Amz-Signature=${signature}`, {});

test("a presigned request is good until it expires, and not before it was signed", async () => {
  assert.equal((await authenticate(presign(), deps(NOW + 86_400_000))).authType, "REST-QUERY-STRING");
  await refused(presign(), "AccessDenied", deps(NOW + 86_400_001));
  await refused(presign(), "AccessDenied", deps(NOW - 16 * 60_000));
  await refused(presign("0".repeat(64)), "SignatureDoesNotMatch");
  const tooLong = presented("GET", "/", `${PRESIGNED.replace("86400", "604801")}&X-Amz-Signature=ab`, {});
  await refused(tooLong, "AuthorizationQueryParametersError");
});

test("whatever is not right is refused with S3's own code", async () => {
  const bitOff = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb40";
  await refused(get(bitOff), "SignatureDoesNotMatch");
  await refused(get("short"), "SignatureDoesNotMatch");
  await refused(get(), "RequestTimeTooSkewed", deps(NOW + 15 * 60_000 + 1));
  await refused(get(), "RequestTimeTooSkewed", deps(NOW - 15 * 60_000 - 1));
  await refused(get(), "InvalidAccessKeyId", deps(NOW, "operator"));
  const other = get();
  other.headers.authorization = other.headers.authorization?.replace(KEY, "AKIAUNKNOWN");
  await refused(other, "InvalidAccessKeyId");
  const unsigned = get();
  unsigned.headers["x-amz-acl"] = "public-read";
  await refused(unsigned, "AccessDenied");
  await refused(presented("GET", "/", "", { authorization: "AWS AKIA:c2ln" }), "InvalidRequest");
  await refused(
    presented("GET", "/", "", { authorization: "AWS4-HMAC-SHA256 Credential=x", "x-amz-date": DATE }),
    "AuthorizationHeaderMalformed",
  );
  const dateless = get();
  delete dateless.headers["x-amz-date"];
  await refused(dateless, "AccessDenied");
  const anonymous = await authenticate(presented("GET", "/", "", {}), deps());
  assert.equal(anonymous.actor, null);
});

test("paths and queries in canonical form", () => {
  assert.equal(canonicalPath("/a/../b//c"), "/a/../b//c");
  assert.equal(canonicalPath("/a(b)%20%c3%a9!"), "/a%28b%29%20%C3%A9%21");
  assert.equal(canonicalPath("/a%2Fb"), "/a/b");
  assert.equal(canonicalQuery("b=2&a=1&a=0&acl&a-b=x"), "a=0&a=1&a-b=x&acl=&b=2");
  assert.equal(canonicalQuery("prefix=a+b%2f~*"), "prefix=a%20b%2F~%2A");
  assert.equal(parseTimestamp("20130524T000000Z"), NOW);
  assert.equal(parseTimestamp("20131324T000000Z"), null);
  assert.equal(parseTimestamp("2013-05-24"), null);
});

const chain = (seed: string) => ({
  signingKey: signingKeyOf(SECRET, { date: "20130524", region: "us-east-1", service: "s3" }),
  timestamp: DATE,
  scope: "20130524/us-east-1/s3/aws4_request",
  seed,
});

const chunk = (size: number, signature: string): string =>
  `${size.toString(16)};chunk-signature=${signature}\r\n${"a".repeat(size)}\r\n`;

const SIGNED = [
  chunk(65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"),
  chunk(1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"),
  chunk(0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"),
];
const SEED = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";

/** In pieces of a size that splits every line sooner or later. */
function decode(text: string, body: ChunkedBody, pieceBytes = 1000): Promise<Buffer> {
  const bytes = Buffer.from(text, "latin1");
  const pieces = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) pieces.push(bytes.subarray(at, at + pieceBytes));
  const source = Readable.from(pieces);
  source.on("error", (error) => body.destroy(error));
  return buffer(source.pipe(body));
}

test("chunks with signatures: the published example, in pieces of any size", async () => {
  for (const size of [1, 7, 1000, 1 << 20]) {
    const body = new ChunkedBody({ chain: chain(SEED), trailer: false });
    assert.equal((await decode(SIGNED.join(""), body, size)).toString(), "a".repeat(66560));
  }
});

test("a chunk that is changed, left out, sent twice or out of order is refused", async () => {
  const [first = "", second = "", last = ""] = SIGNED;
  const wrong = [
    first.replace("aaaa", "aaab") + second + last,
    second + last,
    first + first + second + last,
    first + last,
    first + second + last.replace("b6c6", "b6c7"),
  ];
  for (const text of wrong) {
    const body = new ChunkedBody({ chain: chain(SEED), trailer: false });
    await assert.rejects(decode(text, body), { type: "SignatureDoesNotMatch" });
  }
  for (const text of [first + second, first.slice(0, 100), "zz\r\n", `5\r\nabcde\r\n`, `${"1".repeat(5000)}\r\n`]) {
    const body = new ChunkedBody({ chain: chain(SEED), trailer: false });
    await assert.rejects(decode(text, body), { type: "IncompleteBody" });
  }
});

test("a trailer with a signature: the published example", async () => {
  const seed = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e";
  const text = (signature: string, checksum = "sOO8/Q=="): string =>
    chunk(65536, "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2") +
    chunk(1024, "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7") +
    `0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n` +
    `x-amz-checksum-crc32c:${checksum}\n\r\nx-amz-trailer-signature:${signature}\r\n\r\n`;
  const right = "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435";
  const body = new ChunkedBody({ chain: chain(seed), trailer: true });
  assert.equal((await decode(text(right), body)).length, 66560);
  assert.deepEqual(body.trailers, { "x-amz-checksum-crc32c": "sOO8/Q==" });
  for (const bad of [text("0".repeat(64)), text(right, "sOO8/g==")])
    await assert.rejects(decode(bad, new ChunkedBody({ chain: chain(seed), trailer: true })), {
      type: "SignatureDoesNotMatch",
    });
});

test("chunks without signatures carry a trailer too", async () => {
  const body = new ChunkedBody({ chain: null, trailer: true });
  const text = "5\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n";
  assert.equal((await decode(text, body, 3)).toString(), "hello world");
  assert.deepEqual(body.trailers, { "x-amz-checksum-crc32": "DUoRhQ==" });
});
