import assert from "node:assert/strict";
import { test } from "node:test";

import { jsonSplitter } from "./framing.ts";

const wire = Buffer.from('{"a":"}{\\"é"}{"b":[1,{"c":2}]}\n[3]');

test("texts are cut where they end, however the bytes arrive", () => {
  for (const size of [1, 2, 3, 7, wire.length]) {
    const texts: string[] = [];
    const split = jsonSplitter((text) => texts.push(text));
    for (let at = 0; at < wire.length; at += size) split(wire.subarray(at, at + size));
    assert.deepEqual(
      texts.map((text) => JSON.parse(text) as unknown),
      [{ a: '}{"é' }, { b: [1, { c: 2 }] }, [3]],
    );
  }
});

test("a stray closing brace is an error", () => {
  assert.throws(() => jsonSplitter(() => undefined)(Buffer.from("}")), /unbalanced/);
});
