import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { describe, it } from "node:test";

import { type Body, joinAll, joined } from "./joined.ts";

const stream = (...pieces: string[]): Readable =>
  Readable.from(
    pieces.map((piece) => Buffer.from(piece)),
    { objectMode: false },
  );

async function* inTurn(...bodies: (Body | Error)[]): AsyncGenerator<Body> {
  for (const body of bodies) {
    await Promise.resolve();
    if (body instanceof Error) throw body;
    yield body;
  }
}

async function read(body: Readable): Promise<string> {
  let text = "";
  for await (const piece of body) text += (piece as Buffer).toString();
  return text;
}

describe("bodies behind each other", () => {
  it("are one, streams and buffers, empty ones too", async () => {
    const bodies = inTurn(stream("a", "b"), Buffer.from("c"), Buffer.alloc(0), stream(), stream("d"), Buffer.from("e"));
    assert.equal(await read(joinAll(bodies)), "abcde");
    assert.equal(await read(joinAll(inTurn())), "");
    const rest = inTurn(stream("x"), stream("y"));
    assert.equal(await read(joined(await rest.next(), rest)), "xy");
  });

  it("wait for a reader who is slow", async () => {
    const large = Buffer.alloc(200_000, "x");
    const many = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? large : stream(large.toString(), "y")));
    let size = 0;
    const body = joinAll(inTurn(...many));
    for await (const piece of body) {
      size += (piece as Buffer).length;
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(size, 20 * 200_000 + 10);
  });

  it("hand on pieces as they are, to who listens", async () => {
    const piece = Buffer.from("mine");
    const body = joinAll(inTurn(Readable.from([piece], { objectMode: false })));
    const seen: Buffer[] = [];
    body.on("data", (one: Buffer) => seen.push(one));
    await new Promise((resolve) => body.once("end", resolve));
    assert.equal(seen[0], piece);
  });

  it("fail with what fails, and leave nothing open behind them", async () => {
    await assert.rejects(read(joinAll(inTurn(stream("a"), new Error("no more")))), /no more/);
    const broken = new Readable({ read() {} });
    const body = joinAll(inTurn(stream("a"), broken));
    const reading = read(body);
    setImmediate(() => broken.destroy(new Error("rotten")));
    await assert.rejects(reading, /rotten/);
    const left = new Readable({ read() {} });
    const unread = joinAll(inTurn(left));
    unread.resume();
    await new Promise((resolve) => setImmediate(resolve));
    unread.destroy();
    await new Promise((resolve) => unread.once("close", resolve));
    assert.ok(left.destroyed);
  });
});
