import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { describe, it } from "node:test";

import { parseHeaderValue, signedForm } from "./form.model.ts";
import { partsOf } from "./multipart.ts";

/** Cut into pieces of that size, so that every boundary falls apart somewhere. */
const source = (text: string, size: number): Readable =>
  Readable.from(
    Array.from({ length: Math.ceil(text.length / size) }, (_, index) =>
      Buffer.from(text.slice(index * size, (index + 1) * size)),
    ),
    { objectMode: false },
  );

async function read(text: string, size = 1000): Promise<string[]> {
  const seen: string[] = [];
  for await (const { headers, body } of partsOf(source(text, size), "xx")) {
    const chunks: Buffer[] = [];
    for await (const chunk of body) chunks.push(chunk);
    seen.push(`${headers["content-disposition"]}=${Buffer.concat(chunks).toString()}`);
  }
  return seen;
}

describe("multipart forms", () => {
  const form =
    "--xx\r\nContent-Disposition: a\r\n\r\n1\r\n--x\r\n2\r\n--xx\r\ncontent-disposition: b\r\nX: y\r\n\r\n\r\n--xx--\r\nafter";

  it("are read in whatever pieces they come", async () => {
    for (const size of [1, 2, 3, 7, 1000])
      assert.deepEqual(await read(form, size), ["a=1\r\n--x\r\n2", "b="], `${size}`);
  });

  it("a body that nobody reads is skipped", async () => {
    const seen: (string | undefined)[] = [];
    for await (const { headers } of partsOf(source(form, 5), "xx")) seen.push(headers["content-disposition"]);
    assert.deepEqual(seen, ["a", "b"]);
  });

  it("what is none, or ends too early, is refused", async () => {
    await assert.rejects(read("--yy\r\n\r\n"), /invalid starting boundary/);
    await assert.rejects(read(""), /invalid starting boundary/);
    await assert.rejects(read("--xx\r\nA: b\r\n\r\nno end"), /ends before it is over/);
    await assert.rejects(read("--xx\r\nA: b"), /ends before it is over/);
    await assert.rejects(read(`--xx\r\nA: ${"b".repeat(20_000)}`), /too long/);
  });

  it("a header's words", () => {
    assert.deepEqual(parseHeaderValue(`form-data; name="a\\"b"; filename=c.txt; x=""`), {
      first: "form-data",
      parameters: { name: 'a"b', filename: "c.txt", x: "" },
    });
    assert.equal(signedForm("/v1/a/c", { max_file_count: "2" }), "/v1/a/c\n\n0\n2\n0");
  });
});
