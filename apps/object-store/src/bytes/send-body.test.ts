import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { PassThrough, Readable, Writable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { describe, it } from "node:test";

import { markFreeable } from "./piece-memory.ts";
import { sendBody } from "./send-body.ts";

const pieces = (count: number): Buffer<ArrayBuffer>[] =>
  Array.from({ length: count }, () => Buffer.from(new Uint8Array(randomBytes(1000)).buffer));

describe("a body that is sent", () => {
  it("arrives whole, slowly too, and its memory is given back when it has gone", async () => {
    const sent = pieces(50);
    const whole = Buffer.concat(sent);
    const kept = pieces(1);
    const got: Buffer[] = [];
    const waiting: (() => void)[] = [];
    const target = new Writable({
      highWaterMark: 1500,
      write(piece: Buffer, _encoding, done) {
        assert.ok(piece.length > 0, "not before it has gone");
        got.push(Buffer.from(piece));
        waiting.push(done);
        setImmediate(() => waiting.shift()?.());
      },
    });
    await sendBody(Readable.from([...sent.map(markFreeable), ...kept], { objectMode: false }), target);
    assert.ok(Buffer.concat(got).equals(Buffer.concat([whole, ...kept])));
    assert.deepEqual([...new Set(sent.map((piece) => piece.buffer.byteLength))], [0]);
    assert.equal(kept[0]?.length, 1000, "what is somebody else's is left alone");
  });

  it("that is empty ends its target", async () => {
    const target = new PassThrough();
    const [got] = await Promise.all([buffer(target), sendBody(Readable.from([], { objectMode: false }), target)]);
    assert.equal(got.length, 0);
  });

  it("that fails destroys its target, and the other way round", async () => {
    const broken = new Error("rot");
    async function* failing() {
      yield randomBytes(10);
      throw broken;
    }
    const target = new PassThrough();
    target.resume();
    await assert.rejects(sendBody(Readable.from(failing(), { objectMode: false }), target), broken);
    assert.ok(target.destroyed);

    const body = new Readable({ read: () => undefined });
    const gone = new PassThrough();
    const sending = sendBody(body, gone);
    body.push("x");
    gone.destroy();
    await assert.rejects(sending, /went away/);
    assert.ok(body.destroyed);
    await assert.rejects(sendBody(new Readable({ read: () => undefined }), gone), /went away/);
  });
});
