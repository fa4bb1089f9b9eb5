/** Objects through S3, on a whole store. */
import assert from "node:assert/strict";
import { hash, randomBytes } from "node:crypto";
import { after, before, test } from "node:test";

import { type TestStore, createTestStore } from "../../testing/test-store.ts";
import { digestsOf } from "../../bytes/digests.ts";
import { swiftFront } from "../../swift/front.ts";
import { s3Front } from "../front.ts";
import { ok, refused } from "../testing/answers.ts";
import { type Answer, type S3Client, createS3Client, pathOf } from "../testing/client.ts";
import { childText, childrenOf } from "../xml/parse.ts";

let stand: TestStore;
let url: string;
let client: S3Client;
let anonymous: S3Client;

before(async () => {
  stand = await createTestStore();
  url = await stand.listen({ s3: s3Front, swift: swiftFront });
  client = createS3Client(url, stand.accessKeyFor());
  anonymous = createS3Client(url, null);
  await ok(client.send("PUT", "/things"));
  await ok(client.send("PUT", "/versions"));
  const on = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
  await ok(client.send("PUT", "/versions", { query: { versioning: "" }, body: on }));
});
after(() => stand.stop());

const thing = (key: string): string => pathOf("things", key);

test("what is put is read again, small and large, whatever way its body was vouched for", async () => {
  for (const size of [0, 1, 4096, 70_000, 3_000_000]) {
    const body = randomBytes(size);
    for (const sign of ["hash", "unsigned", "chunked"] as const) {
      const put = await ok(client.send("PUT", thing("body"), { body, sign }));
      assert.equal(put.headers.etag, `"${hash("md5", body)}"`);
      const got = await ok(client.send("GET", thing("body")));
      assert.ok(got.body.equals(body), `${size} bytes, ${sign}`);
      assert.equal(got.headers["content-length"], String(size));
    }
  }
});

test("a body that is not what was said leaves what was there", async () => {
  await ok(client.send("PUT", thing("kept"), { body: "kept" }));
  const wrongHash = { "x-amz-content-sha256": "0".repeat(64) };
  await refused(
    client.send("PUT", thing("kept"), { body: "new", headers: wrongHash }),
    400,
    "XAmzContentSHA256Mismatch",
  );
  const md5 = Buffer.alloc(16).toString("base64");
  await refused(client.send("PUT", thing("kept"), { body: "new", headers: { "content-md5": md5 } }), 400, "BadDigest");
  await refused(
    client.send("PUT", thing("kept"), { body: "new", headers: { "content-md5": "x" } }),
    400,
    "InvalidDigest",
  );
  const crc = { "x-amz-checksum-crc32": "AAAAAA==" };
  await refused(client.send("PUT", thing("kept"), { body: "new", headers: crc }), 400, "BadDigest");
  await refused(
    client.send("PUT", thing("kept"), { body: "new", headers: { "x-amz-checksum-crc32": "AA" } }),
    400,
    "InvalidRequest",
  );
  const spoilChunk = (made: { body: Buffer }): void => {
    made.body = Buffer.from(made.body.toString("latin1").replace("new", "neu"), "latin1");
  };
  await refused(
    client.send("PUT", thing("kept"), { body: "new", sign: "chunked", spoil: spoilChunk }),
    403,
    "SignatureDoesNotMatch",
  );
  await refused(
    client.send("PUT", thing("kept"), {
      body: "new",
      sign: "unsigned-trailer",
      trailer: { "x-amz-checksum-crc32": "AAAAAA==" },
    }),
    400,
    "BadDigest",
  );
  for (const length of ["2", "4"]) {
    const announced = { "x-amz-decoded-content-length": length };
    await refused(
      client.send("PUT", thing("kept"), { body: "new", sign: "chunked", headers: announced }),
      400,
      "IncompleteBody",
    );
  }
  assert.equal((await client.send("GET", thing("kept"))).text, "kept");
});

test("what Swift put together is read through S3 as through Swift", async () => {
  const { actor, ...key } = stand.accessKeyFor();
  const own = createS3Client(url, key);
  await ok(own.send("PUT", "/together"));
  const token = { "x-auth-token": stand.tokenFor({ ...actor, roles: ["member"] }) };
  const account = `/v1/AUTH_${actor.projectId ?? ""}`;
  const parts = [randomBytes(100_000), randomBytes(10)];
  for (const [at, body] of parts.entries())
    await ok(
      own.raw("PUT", `${account}/together/seg/${at}`, { ...token, "content-length": String(body.length) }, body),
      201,
    );
  const manifest = Buffer.from(JSON.stringify(parts.map((_, at) => ({ path: `/together/seg/${at}` }))));
  const length = { "content-length": String(manifest.length) };
  const whole = Buffer.concat(parts);
  await ok(own.raw("PUT", `${account}/together/slo?multipart-manifest=put`, { ...token, ...length }, manifest), 201);
  await ok(
    own.raw("PUT", `${account}/together/dlo`, {
      ...token,
      "x-object-manifest": "together/seg/",
      "content-length": "0",
    }),
    201,
  );
  await ok(
    own.raw("PUT", `${account}/together/link`, { ...token, "x-symlink-target": "together/slo", "content-length": "0" }),
    201,
  );
  for (const name of ["slo", "dlo", "link"]) {
    const got = await ok(own.send("GET", `/together/${name}`));
    assert.ok(got.body.equals(whole), name);
    const head = await ok(own.send("HEAD", `/together/${name}`));
    assert.equal(head.headers["content-length"], String(whole.length));
    assert.equal(head.headers.etag, got.headers.etag);
    const some = await ok(own.send("GET", `/together/${name}`, { headers: { range: "bytes=99999-100000" } }), 206);
    assert.ok(some.body.equals(whole.subarray(99_999, 100_001)), name);
    await ok(own.send("PUT", "/together/copy", { headers: { "x-amz-copy-source": `/together/${name}` } }));
    assert.ok((await ok(own.send("GET", "/together/copy"))).body.equals(whole), name);
  }
  const listed = await ok(own.send("GET", "/together", { query: { prefix: "slo" } }));
  assert.equal(childText(childrenOf(listed.xml(), "Contents")[0] ?? listed.xml(), "Size"), String(whole.length));
  await ok(own.send("PUT", "/together/from-s3", { body: "one namespace", headers: { "x-amz-meta-colour": "blue" } }));
  const swift = await ok(own.raw("GET", `${account}/together/from-s3`, token));
  assert.equal(swift.text, "one namespace");
  assert.equal(swift.headers["x-object-meta-colour"], "blue");
});

test("checksums of every kind, in headers and trailers, are kept and shown", async () => {
  const body = randomBytes(100_000);
  const names = ["crc32", "crc32c", "crc64nvme", "sha1", "sha256"] as const;
  const digests = digestsOf(names, body);
  for (const name of names) {
    const header = `x-amz-checksum-${name}`;
    const value = Buffer.from(digests[name] ?? "", "hex").toString("base64");
    const put = await ok(client.send("PUT", thing("sum"), { body, headers: { [header]: value } }));
    assert.equal(put.headers[header], value);
    for (const sign of ["chunked-trailer", "unsigned-trailer"] as const)
      await ok(client.send("PUT", thing("sum"), { body, sign, trailer: { [header]: value } }));
    const shown = await ok(client.send("HEAD", thing("sum"), { headers: { "x-amz-checksum-mode": "ENABLED" } }));
    assert.equal(shown.headers[header], value);
    assert.equal(shown.headers["x-amz-checksum-type"], "FULL_OBJECT");
    const plain = await ok(client.send("HEAD", thing("sum")));
    assert.equal(plain.headers[header], undefined);
    const some = { range: "bytes=0-9", "x-amz-checksum-mode": "ENABLED" };
    const part = await ok(client.send("GET", thing("sum"), { headers: some }), 206);
    assert.equal(part.headers[header], undefined);
  }
  const attributes = { "x-amz-object-attributes": "ETag,Checksum,ObjectSize,StorageClass" };
  const told = await ok(client.send("GET", thing("sum"), { query: { attributes: "" }, headers: attributes }));
  assert.equal(childText(told.xml(), "ObjectSize"), "100000");
  assert.match(told.text, /<ChecksumSHA256>/);
});

test("ranges: one is given, several are not, none that there is not", async () => {
  await ok(client.send("PUT", thing("range"), { body: "0123456789" }));
  const range = (text: string): Promise<Answer> => client.send("GET", thing("range"), { headers: { range: text } });
  for (const [text, body, shown] of [
    ["bytes=0-3", "0123", "bytes 0-3/10"],
    ["bytes=8-", "89", "bytes 8-9/10"],
    ["bytes=-3", "789", "bytes 7-9/10"],
    ["bytes=5-500", "56789", "bytes 5-9/10"],
  ] as const) {
    const got = await ok(range(text), 206);
    assert.equal(got.text, body);
    assert.equal(got.headers["content-range"], shown);
  }
  for (const text of ["bytes=0-1,3-4", "bytes=5-3", "chars=0-1", "bytes=-"])
    assert.equal((await ok(range(text))).text, "0123456789");
  const none = await refused(range("bytes=10-"), 416, "InvalidRange");
  assert.equal(none.headers["content-range"], "bytes */10");
  await refused(range("bytes=-0"), 416, "InvalidRange");
  const part = await ok(client.send("GET", thing("range"), { query: { partNumber: "1" } }), 206);
  assert.equal(part.text, "0123456789");
  await refused(client.send("GET", thing("range"), { query: { partNumber: "2" } }), 416, "InvalidPartNumber");
});

test("conditional reads follow RFC 9110's order", async () => {
  const { headers } = await ok(client.send("PUT", thing("if"), { body: "x" }));
  const etag = headers.etag ?? "";
  const past = "Sat, 01 Jan 2000 00:00:00 GMT";
  const future = new Date(Date.now() + 3_600_000).toUTCString();
  const ask = (asked: { [name: string]: string }): Promise<Answer> =>
    client.send("GET", thing("if"), { headers: asked });
  await ok(ask({ "if-match": etag }));
  await ok(ask({ "if-match": etag, "if-unmodified-since": past }));
  await refused(ask({ "if-match": '"other"' }), 412, "PreconditionFailed");
  await refused(ask({ "if-unmodified-since": past }), 412, "PreconditionFailed");
  const same = await refused(ask({ "if-none-match": etag }), 304);
  assert.equal(same.headers.etag, etag);
  assert.equal(same.text, "");
  await refused(ask({ "if-none-match": `"a", ${etag}` }), 304);
  await refused(ask({ "if-modified-since": future }), 304);
  await ok(ask({ "if-none-match": '"other"', "if-modified-since": future }));
  await ok(ask({ "if-modified-since": "no date" }));
});

test("conditional writes and deletions", async () => {
  const path = thing("cas");
  const none = { "if-none-match": "*" };
  const first = await ok(client.send("PUT", path, { body: "1", headers: none }));
  await refused(client.send("PUT", path, { body: "2", headers: none }), 412, "PreconditionFailed");
  await refused(client.send("PUT", path, { body: "2", headers: { "if-match": '"x"' } }), 412, "PreconditionFailed");
  const match = { "if-match": first.headers.etag ?? "" };
  await ok(client.send("PUT", path, { body: "2", headers: match }));
  await refused(client.send("PUT", path, { body: "3", headers: match }), 412, "PreconditionFailed");
  await refused(client.send("PUT", thing("never"), { body: "3", headers: match }), 404, "NoSuchKey");
  await refused(client.send("DELETE", path, { headers: match }), 412, "PreconditionFailed");
  assert.equal((await client.send("GET", path)).text, "2");
  const races = await Promise.all(
    Array.from({ length: 8 }, () => client.send("PUT", thing("race"), { body: "x", headers: none })),
  );
  assert.equal(races.filter(({ status }) => status === 200).length, 1);
});

test("keys are what they are: any characters, never normalised, at most 1,024 bytes", async () => {
  const keys = [
    "../up",
    "a//b",
    "./x",
    "é",
    "日本",
    "a b+c%",
    "line\nbreak",
    "\u0001\u001f\u007f",
    "<&>\"'",
    "emoji 😀",
    "a".repeat(1024),
    "%2F",
    "trailing/",
    "/leading",
  ];
  for (const key of keys) {
    await ok(client.send("PUT", thing(key), { body: key }));
    assert.equal((await ok(client.send("GET", thing(key)))).text, key);
  }
  const listed = await ok(client.send("GET", "/things", { query: { "list-type": "2", "encoding-type": "url" } }));
  const shown = childrenOf(listed.xml(), "Contents").map((each) => decodeURIComponent(childText(each, "Key") ?? ""));
  for (const key of keys) assert.ok(shown.includes(key), key);
  const plain = await ok(client.send("GET", "/things"));
  const plainly = childrenOf(plain.xml(), "Contents").map((each) => childText(each, "Key"));
  for (const key of keys) assert.ok(plainly.includes(key), key);
  await refused(client.send("PUT", thing("a".repeat(1025)), { body: "x" }), 400, "KeyTooLongError");
  await refused(client.send("PUT", thing("é".repeat(513)), { body: "x" }), 400, "KeyTooLongError");
  await refused(client.send("PUT", "/things/%00"), 400, "InvalidURI");
  await refused(anonymous.raw("GET", "/things/%ff%fe"), 400, "InvalidURI");
  await refused(anonymous.raw("GET", "/things/%zz"), 400, "InvalidURI");
});

test("versions: every write is kept, a deletion marks, a marker's end brings back", async () => {
  const path = pathOf("versions", "v");
  const first = await ok(client.send("PUT", path, { body: "one" }));
  const second = await ok(client.send("PUT", path, { body: "two" }));
  const [one, two] = [first, second].map(({ headers }) => String(headers["x-amz-version-id"]));
  assert.notEqual(one, two);
  const gone = await ok(client.send("DELETE", path), 204);
  assert.equal(gone.headers["x-amz-delete-marker"], "true");
  const marker = String(gone.headers["x-amz-version-id"]);
  const missing = await refused(client.send("GET", path), 404, "NoSuchKey");
  assert.equal(missing.headers["x-amz-delete-marker"], "true");
  const marked = await refused(client.send("GET", path, { query: { versionId: marker } }), 405, "MethodNotAllowed");
  assert.equal(marked.headers["x-amz-delete-marker"], "true");
  assert.equal((await ok(client.send("GET", path, { query: { versionId: one ?? "" } }))).text, "one");
  await refused(client.send("GET", path, { query: { versionId: "nope" } }), 404, "NoSuchVersion");
  const back = await ok(client.send("DELETE", path, { query: { versionId: marker } }), 204);
  assert.equal(back.headers["x-amz-delete-marker"], "true");
  assert.equal((await ok(client.send("GET", path))).text, "two");
  await ok(client.send("DELETE", path, { query: { versionId: two ?? "" } }), 204);
  assert.equal((await ok(client.send("GET", path))).text, "one");
});

test("copies: metadata come along or are replaced, conditions of the source count", async () => {
  const source = await ok(
    client.send("PUT", thing("source"), {
      body: "copy me",
      headers: { "x-amz-meta-a": "1", "content-type": "text/a", "x-amz-tagging": "t=1" },
    }),
  );
  const from = { "x-amz-copy-source": "/things/source" };
  const copied = await ok(client.send("PUT", thing("copy"), { headers: from }));
  assert.equal(childText(copied.xml(), "ETag"), source.headers.etag);
  const same = await ok(client.send("GET", thing("copy")));
  assert.equal(same.text, "copy me");
  assert.equal(same.headers["x-amz-meta-a"], "1");
  assert.equal(same.headers["content-type"], "text/a");
  assert.equal(same.headers["x-amz-tagging-count"], "1");
  const replace = {
    ...from,
    "x-amz-metadata-directive": "REPLACE",
    "x-amz-meta-b": "2",
    "x-amz-tagging-directive": "REPLACE",
  };
  await ok(client.send("PUT", thing("copy"), { headers: replace }));
  const replaced = await ok(client.send("GET", thing("copy")));
  assert.equal(replaced.headers["x-amz-meta-a"], undefined);
  assert.equal(replaced.headers["x-amz-meta-b"], "2");
  assert.equal(replaced.headers["x-amz-tagging-count"], undefined);
  await refused(client.send("PUT", thing("source"), { headers: from }), 400, "InvalidRequest");
  const fails = { ...from, "x-amz-copy-source-if-match": '"x"' };
  await refused(client.send("PUT", thing("copy"), { headers: fails }), 412, "PreconditionFailed");
  await refused(
    client.send("PUT", thing("copy"), { headers: { "x-amz-copy-source": "/things/nope" } }),
    404,
    "NoSuchKey",
  );
  await refused(
    client.send("PUT", thing("copy"), { headers: { "x-amz-copy-source": "/nowhere/nope" } }),
    404,
    "NoSuchBucket",
  );
  await refused(
    client.send("PUT", thing("copy"), { headers: { "x-amz-copy-source": "nonsense" } }),
    400,
    "InvalidArgument",
  );
  const other = createS3Client(url, stand.accessKeyFor());
  await ok(other.send("PUT", "/of-another"));
  await refused(other.send("PUT", "/of-another/stolen", { headers: from }), 403, "AccessDenied");
});

test("a thousand keys at once, each with its own answer", async () => {
  await ok(client.send("PUT", thing("del/1"), { body: "x" }));
  await ok(client.send("PUT", thing("del/<2>"), { body: "x" }));
  const body = `<Delete><Object><Key>del/1</Key></Object><Object><Key>del/&lt;2&gt;</Key></Object><Object><Key>never</Key></Object></Delete>`;
  const answer = await ok(client.send("POST", "/things", { query: { delete: "" }, body }));
  assert.deepEqual(
    childrenOf(answer.xml(), "Deleted").map((each) => childText(each, "Key")),
    ["del/1", "del/<2>", "never"],
  );
  await refused(client.send("GET", thing("del/1")), 404, "NoSuchKey");
  const quiet = "<Delete><Quiet>true</Quiet><Object><Key>x</Key></Object></Delete>";
  assert.equal(
    (await ok(client.send("POST", "/things", { query: { delete: "" }, body: quiet }))).xml().children.length,
    0,
  );
  const many = `<Delete>${"<Object><Key>x</Key></Object>".repeat(1001)}</Delete>`;
  await refused(client.send("POST", "/things", { query: { delete: "" }, body: many }), 400, "MalformedXML");
  for (const wrong of ["", "<Delete>", "<Delete/>", "<!DOCTYPE x><Delete/>", "<Delete><Object/></Delete>"])
    await refused(client.send("POST", "/things", { query: { delete: "" }, body: wrong }), 400, "MalformedXML");
});

test("of many deletions, those with a condition happen only where it holds", async () => {
  const put = await ok(client.send("PUT", thing("cond/1"), { body: "x" }));
  await ok(client.send("PUT", thing("cond/2"), { body: "y" }));
  const etag = put.headers.etag ?? "";
  const objects = ["cond/1", "cond/2"].map((key) => `<Object><Key>${key}</Key><ETag>${etag}</ETag></Object>`).join("");
  const answer = await ok(
    client.send("POST", "/things", { query: { delete: "" }, body: `<Delete>${objects}</Delete>` }),
  );
  assert.deepEqual(
    childrenOf(answer.xml(), "Deleted").map((each) => childText(each, "Key")),
    ["cond/1"],
  );
  assert.deepEqual(
    childrenOf(answer.xml(), "Error").map((each) => [childText(each, "Key"), childText(each, "Code")]),
    [["cond/2", "PreconditionFailed"]],
  );
  assert.equal((await ok(client.send("GET", thing("cond/2")))).text, "y");
  const size = { "x-amz-if-match-size": "99" };
  await refused(client.send("DELETE", thing("cond/2"), { headers: size }), 501, "NotImplemented");
  const sized = "<Delete><Object><Key>cond/2</Key><Size>99</Size></Object></Delete>";
  await refused(client.send("POST", "/things", { query: { delete: "" }, body: sized }), 501, "NotImplemented");
  await ok(client.send("HEAD", thing("cond/2")));
});

test("sealed with the customer's own key, read by nobody else", async () => {
  const key = randomBytes(32);
  const sse = (bytes: Buffer, prefix = "x-amz-server-side-encryption-customer"): { [name: string]: string } => ({
    [`${prefix}-algorithm`]: "AES256",
    [`${prefix}-key`]: bytes.toString("base64"),
    [`${prefix}-key-md5`]: hash("md5", bytes, "base64"),
  });
  for (const size of [1000, 200_000]) {
    const body = randomBytes(size);
    await ok(client.send("PUT", thing("secret"), { body, headers: sse(key) }));
    const got = await ok(client.send("GET", thing("secret"), { headers: sse(key) }));
    assert.ok(got.body.equals(body));
    assert.equal(got.headers["x-amz-server-side-encryption-customer-algorithm"], "AES256");
    await refused(client.send("GET", thing("secret")), 400, "InvalidRequest");
    await refused(client.send("HEAD", thing("secret")), 400);
    await refused(client.send("GET", thing("secret"), { headers: sse(randomBytes(32)) }), 403, "AccessDenied");
    const copy = {
      ...sse(key, "x-amz-copy-source-server-side-encryption-customer"),
      "x-amz-copy-source": "things/secret",
    };
    await ok(client.send("PUT", thing("opened"), { headers: copy }));
    assert.ok((await ok(client.send("GET", thing("opened")))).body.equals(body));
  }
  const wrongMd5 = { ...sse(key), "x-amz-server-side-encryption-customer-key-md5": "AAAA" };
  await refused(client.send("PUT", thing("secret"), { body: "x", headers: wrongMd5 }), 400, "InvalidArgument");
  const noKey = { "x-amz-server-side-encryption-customer-algorithm": "AES256" };
  await refused(client.send("PUT", thing("secret"), { body: "x", headers: noKey }), 400, "InvalidArgument");
  await refused(client.send("GET", thing("kept"), { headers: sse(key) }), 400, "InvalidRequest");
  const kms = { "x-amz-server-side-encryption": "aws:kms", "x-amz-server-side-encryption-aws-kms-key-id": "payroll" };
  const put = await ok(client.send("PUT", thing("kms"), { body: "k", headers: kms }));
  assert.equal(put.headers["x-amz-server-side-encryption-aws-kms-key-id"], "payroll");
  assert.equal((await ok(client.send("GET", thing("kms")))).text, "k");
});

test("tags, ACLs and attributes of an object", async () => {
  await ok(client.send("PUT", thing("tags"), { body: "x" }));
  const body = "<Tagging><TagSet><Tag><Key>a</Key><Value>1 &amp; 2</Value></Tag></TagSet></Tagging>";
  await ok(client.send("PUT", thing("tags"), { query: { tagging: "" }, body }));
  const shown = await ok(client.send("GET", thing("tags"), { query: { tagging: "" } }));
  assert.match(shown.text, /<Key>a<\/Key><Value>1 &amp; 2<\/Value>/);
  await ok(client.send("DELETE", thing("tags"), { query: { tagging: "" } }), 204);
  assert.doesNotMatch((await client.send("GET", thing("tags"), { query: { tagging: "" } })).text, /<Tag>/);
  const twice =
    "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag><Tag><Key>a</Key><Value>2</Value></Tag></TagSet></Tagging>";
  await refused(client.send("PUT", thing("tags"), { query: { tagging: "" }, body: twice }), 400, "InvalidTag");
  await ok(client.send("PUT", thing("tags"), { query: { acl: "" }, headers: { "x-amz-acl": "public-read" } }));
  assert.match((await ok(client.send("GET", thing("tags"), { query: { acl: "" } }))).text, /AllUsers/);
  assert.equal((await ok(anonymous.send("GET", thing("tags")))).text, "x");
  await refused(anonymous.send("GET", thing("tags"), { query: { acl: "" } }), 403, "AccessDenied");
  await refused(
    anonymous.send("GET", thing("tags"), { query: { "response-content-type": "x" } }),
    400,
    "InvalidRequest",
  );
  const document = (await client.send("GET", thing("tags"), { query: { acl: "" } })).text;
  await ok(
    client.send("PUT", thing("tags"), {
      query: { acl: "" },
      body: document.replace(/<Grant>(?:(?!<Grant>).)*AllUsers.*?<\/Grant>/, ""),
    }),
  );
  await refused(anonymous.send("GET", thing("tags")), 403, "AccessDenied");
});

test("what S3 has and we have not is 501, what nobody has is 405", async () => {
  await refused(client.send("GET", thing("kept"), { query: { torrent: "" } }), 501, "NotImplemented");
  await refused(
    client.send("POST", thing("kept"), { query: { select: "", "select-type": "2" } }),
    501,
    "NotImplemented",
  );
  await refused(client.send("PUT", "/things", { query: { notification: "" }, body: "<x/>" }), 501, "NotImplemented");
  await refused(client.send("PUT", "/things", { query: { replication: "" }, body: "<x/>" }), 501, "NotImplemented");
  await refused(client.send("PATCH", thing("kept")), 405, "MethodNotAllowed");
  await refused(client.send("DELETE", "/"), 405, "MethodNotAllowed");
});
