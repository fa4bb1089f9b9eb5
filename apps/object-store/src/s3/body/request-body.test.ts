import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";

import { readBody } from "../../bytes/body.ts";
import type { Call } from "../call.ts";
import { openBody } from "./request-body.ts";

/** A request whose body comes in chunks, of which nobody has read anything yet. */
function sending(): { call: Call; source: PassThrough } {
  const source = new PassThrough();
  const call = {
    headers: { "x-amz-decoded-content-length": "5" },
    caller: { payload: { kind: "chunked", trailer: false, chain: null } },
    exchange: { body: () => source },
  } as unknown as Call;
  return { call, source };
}

test("a body that fails before anybody reads it fails who reads it, and nothing else", async () => {
  for (const fail of [
    (source: PassThrough) => source.write("no size\r\n"),
    (source: PassThrough) => source.destroy(),
    (source: PassThrough) => source.destroy(new Error("reset")),
  ]) {
    const { call, source } = sending();
    const { stream, size } = openBody(call);
    fail(source);
    // whoever is to read it looks things up first
    for (let turns = 0; turns < 5; turns += 1) await turn();
    await assert.rejects(
      readBody(stream, { size, maxBytes: 100 }, () => undefined),
      /terminated unexpectedly|number of bytes|reset/,
    );
  }
});
