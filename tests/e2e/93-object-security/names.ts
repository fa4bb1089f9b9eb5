/** Names: of every plane of Unicode, as long as they may be, and such as mean something elsewhere. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { before, it } from "node:test";

import { pathOf } from "../../../apps/object-store/src/s3/testing/client.ts";
import type { World } from "./world.ts";

const BUCKET = `names-${randomBytes(4).toString("hex")}`;
const MAX_BYTES = 1024;

/** What a file system, a shell, a proxy, a parser or a database might take for something else. */
const ODD = [
  "..",
  ".",
  "../",
  "../../../../etc/passwd",
  "a/../../b",
  "/",
  "//",
  "/etc/passwd",
  "a//b",
  "trailing/",
  "./a",
  "a/.",
  "%2e%2e/%2e%2e/etc/passwd",
  "%2e%2e%2fetc",
  "%00",
  "%",
  "%zz",
  "a+b c",
  "..\\..\\windows",
  "a\tb",
  "a\nb",
  "a\r\nX-Injected: yes\r\n\r\nGET / HTTP/1.1",
  "\u0001\u001f\u007f",
  "\u0085\u2028\u2029",
  "\ufeffbyte order",
  "\u202egpj.exe",
  "e\u0301",
  "\u00e9",
  "\ufffe\uffff",
  "\u{10ffff}",
  "<Key>&amp;</Key><![CDATA[",
  "]]>",
  "'; drop table object; --",
  "$(reboot)`reboot`",
  "null",
  "?versionId=null",
  "a?acl",
  "a#b",
  "__proto__",
  "constructor",
  "*",
  ".lock",
  "tmp/x",
];

/** A key of exactly 1,024 bytes, of one plane's characters. */
function ofPlane(plane: number): string {
  const character = String.fromCodePoint(plane === 0 ? 0x4e00 : plane * 0x10000 + 0xabcd);
  const size = Buffer.byteLength(character);
  const begin = `plane ${plane} `.padEnd(MAX_BYTES % size === 0 ? 12 : 13, "-");
  const text = begin + character.repeat((MAX_BYTES - begin.length) / size);
  return text + "-".repeat(MAX_BYTES - Buffer.byteLength(text));
}

export function itTakesNamesAsTheyAre(world: () => World): void {
  const keys = [
    ...ODD,
    ...Array.from({ length: 17 }, (_, plane) => ofPlane(plane)),
    "x".repeat(MAX_BYTES),
    "\u{1f600}".repeat(256),
  ];
  const swiftPath = (key: string): string => `/${BUCKET}/${encodeURIComponent(key)}`;

  before(async () => {
    assert.equal((await world().owner.s3.send("PUT", pathOf(BUCKET))).status, 200);
  });

  it("what one API wrote under any name the other reads, and both list it", async () => {
    const { owner } = world();
    for (const key of keys) assert.ok(Buffer.byteLength(key) <= MAX_BYTES, key);
    for (const [index, key] of keys.entries()) {
      const put =
        index % 2 === 0
          ? await owner.s3.send("PUT", pathOf(BUCKET, key), { body: `body of ${index}` })
          : await owner.swift("PUT", swiftPath(key), { body: `body of ${index}` });
      assert.ok(put.status === 200 || put.status === 201, `${JSON.stringify(key)}: ${put.status} ${put.text}`);
    }
    for (const [index, key] of keys.entries()) {
      const body = `body of ${index}`;
      const what = JSON.stringify(key.slice(0, 50));
      assert.equal((await owner.s3.send("GET", pathOf(BUCKET, key))).text, body, `S3 ${what}`);
      assert.equal((await owner.swift("GET", swiftPath(key))).text, body, `Swift ${what}`);
    }
    const wanted = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    assert.deepEqual(await listS3(), wanted);
    const listed = await owner.swift("GET", `/${BUCKET}?format=json`);
    assert.deepEqual(
      (JSON.parse(listed.text) as { name: string }[]).map(({ name }) => name),
      wanted,
    );
    // page by page, each one's last name being where the next begins
    const paged: string[] = [];
    for (let marker = ""; ;) {
      const page = await owner.swift("GET", `/${BUCKET}?format=json&limit=7&marker=${encodeURIComponent(marker)}`);
      const names = (JSON.parse(page.text) as { name: string }[]).map(({ name }) => name);
      paged.push(...names);
      marker = names.at(-1) ?? "";
      if (names.length < 7) break;
    }
    assert.deepEqual(paged, wanted);
    // without encoding it is XML that a parser can read
    const plain = await owner.s3.send("GET", pathOf(BUCKET), { query: { "list-type": "2" } });
    assert.equal(plain.status, 200);
    assert.equal(plain.text.match(/<Contents>/g)?.length, wanted.length);
  });

  async function listS3(): Promise<string[]> {
    const { owner } = world();
    const names: string[] = [];
    for (let token = ""; ;) {
      const query = {
        "list-type": "2",
        "encoding-type": "url",
        "max-keys": "7",
        ...(token === "" ? {} : { "continuation-token": token }),
      };
      const { text } = await owner.s3.send("GET", pathOf(BUCKET), { query });
      names.push(
        ...[...text.matchAll(/<Key>([^<]*)</g)].map(([, key = ""]) => decodeURIComponent(key.replaceAll("+", " "))),
      );
      token = /<NextContinuationToken>([^<]+)</.exec(text)?.[1] ?? "";
      if (token === "") return names;
    }
  }

  it("dots and slashes in an address lead nowhere but to a key", async () => {
    const { owner, swift } = world();
    const second = `${BUCKET}-second`;
    assert.equal((await owner.s3.send("PUT", pathOf(second))).status, 200);
    assert.equal((await owner.s3.send("PUT", pathOf(second, "key"), { body: "the second's" })).status, 200);
    const account = `/v1/AUTH_${owner.projectId}`;
    for (const steps of ["../", "%2e%2e/", "%2e%2e%2f", "..%2f", ".%2e/", "./../", "..//"]) {
      const signed = await owner.s3.send("GET", `/${BUCKET}/${steps}${second}/key`);
      assert.deepEqual([signed.status, signed.code], [404, "NoSuchKey"], steps);
      const asked = await swift("GET", `${account}/${BUCKET}/${steps}${second}/key`, { token: owner.token });
      assert.equal(asked.status, 404, steps);
      const out = await swift("GET", `${account}/${steps}AUTH_${world().other.projectId}`, { token: owner.token });
      assert.ok([404, 412].includes(out.status), `${steps}: ${out.status}`);
    }
    for (const path of [
      "/..",
      "/../etc/passwd",
      "/%2e%2e/%2e%2e/etc/passwd",
      "/./",
      "/v1/../healthcheck",
      "/v1/..",
      `/${BUCKET}/..%00`,
    ])
      for (const answer of [await owner.s3.send("GET", path), await swift("GET", path, { token: owner.token })])
        assert.ok(answer.status >= 400 && answer.status < 500, `${path}: ${answer.status}`);
  });

  it("what is too long, has a NUL or is no UTF-8 is refused by both, and not stored", async () => {
    const { owner } = world();
    const before = await listS3();
    const long = "x".repeat(MAX_BYTES + 1);
    for (const [path, code] of [
      [`/${BUCKET}/${long}`, "KeyTooLongError"],
      [pathOf(BUCKET, `x${"\u{1f600}".repeat(256)}`), "KeyTooLongError"],
      [`/${BUCKET}/a%00b`, "InvalidURI"],
      [`/${BUCKET}/%ff`, "InvalidURI"],
      [`/${BUCKET}/%c0%ae%c0%ae/`, "InvalidURI"],
      [`/${BUCKET}/%ed%a0%80`, "InvalidURI"],
      [`/${BUCKET}/%f4%90%80%80`, "InvalidURI"],
      [`/${BUCKET}/%`, "InvalidURI"],
      [`/${BUCKET}/%zz`, "InvalidURI"],
    ] as const) {
      const answer = await world().nobody.send("PUT", path, { body: "x" });
      assert.deepEqual([answer.status, answer.code], [400, code], path.slice(0, 60));
    }
    for (const key of [long, encodeURIComponent(`x${"\u{1f600}".repeat(256)}`)])
      assert.equal((await owner.swift("PUT", `/${BUCKET}/${key}`, { body: "x" })).status, 400);
    for (const key of ["a%00b", "%ff", "%c0%ae%c0%ae/", "%ed%a0%80", "%f4%90%80%80"])
      assert.equal((await owner.swift("PUT", `/${BUCKET}/${key}`, { body: "x" })).status, 412, key);
    assert.deepEqual(await listS3(), before);
  });

  it("containers that only Swift can name are buckets that S3 answers for", async () => {
    const { owner, nobody } = world();
    const name = "\u2603 \u{1f600}.. \u00e9\u0301";
    const path = `/${encodeURIComponent(name)}`;
    assert.equal(
      (await owner.swift("PUT", path, { headers: { "X-Container-Write": `${owner.projectId}:*` } })).status,
      201,
    );
    assert.equal((await owner.s3.send("PUT", `${path}/key`, { body: "x" })).status, 200);
    for (const query of [{}, { versions: "" }, { uploads: "" }, { location: "" }])
      assert.equal((await owner.s3.send("GET", path, { query })).status, 200);
    const begun = await owner.s3.send("POST", `${path}/parts`, { query: { uploads: "" } });
    assert.equal(begun.status, 200);
    const policy = {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal: "*", Action: "s3:PutObject", Resource: `arn:aws:s3:::${name}/*` }],
    };
    assert.equal(
      (await owner.s3.send("PUT", path, { query: { policy: "" }, body: JSON.stringify(policy) })).status,
      204,
    );
    // by its owner's name, for somebody who has no project
    const asked = `/${owner.projectId}:${encodeURIComponent(name)}`;
    for (const redirect of ["", "http://\u2603.example/\r\nX-Injected: yes", "javascript:alert(1)"]) {
      const fields = { key: "\u2603/${filename}", ...(redirect === "" ? {} : { success_action_redirect: redirect }) };
      const body = formOf(fields, "\u2603\r\n");
      const headers = { "content-type": "multipart/form-data; boundary=B", "content-length": String(body.length) };
      const answer = await nobody.raw("POST", asked, headers, body);
      assert.ok([204, 303, 400].includes(answer.status), `${answer.status} ${answer.text}`);
      assert.equal(answer.headers["x-injected"], undefined);
      // Swift's form, which nobody signed
      const swift = formOf({ redirect, max_file_size: "9", max_file_count: "0", expires: "9999999999" }, "f");
      const told = await world().swift("POST", `/v1/AUTH_${owner.projectId}${path}`, {
        headers: { "content-type": "multipart/form-data; boundary=B" },
        body: swift,
      });
      assert.ok(told.status < 500, `${told.status} ${told.text}`);
      assert.equal(told.headers["x-injected"], undefined);
    }
  });

  it("no name of a customer's is a name on the disk", () => {
    const files = readdirSync(join(world().cloud.directory, "objects"), { recursive: true, withFileTypes: true });
    const names = files.filter((file) => file.isFile()).map(({ name }) => name);
    assert.ok(names.length > 0);
    for (const name of names) assert.match(name, /^[0-9a-f.-]+(\.tmp|\.pack)?$/);
  });
}

function formOf(fields: { [name: string]: string }, filename: string): Buffer {
  const parts = Object.entries(fields).map(
    ([name, value]) => `--B\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  return Buffer.from(
    `${parts.join("")}--B\r\nContent-Disposition: form-data; name="file"; filename="${filename}"\r\n\r\nx\r\n--B--\r\n`,
  );
}
