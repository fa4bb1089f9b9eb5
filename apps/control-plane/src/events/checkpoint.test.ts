import assert from "node:assert/strict";
import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { describe, it } from "node:test";

import { logOrigin, noteKeyId, openCheckpoint, signCheckpoint } from "./checkpoint.ts";

function signer() {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  return {
    keyId: "0".repeat(16),
    publicKey: publicKey.export({ format: "der", type: "spki" }),
    sign: (bytes: Uint8Array) => sign(null, bytes, privateKey),
  };
}

describe("checkpoints", () => {
  const root = randomBytes(32);
  const key = signer();
  const note = signCheckpoint({ origin: "example.org/log", size: 42, root }, key);

  it("are signed notes", () => {
    const lines = note.split("\n");
    assert.deepEqual(lines.slice(0, 4), ["example.org/log", "42", root.toString("base64"), ""]);
    assert.match(lines[4] ?? "", /^\u2014 example\.org\/log [A-Za-z0-9+/]+={0,2}$/);
    assert.deepEqual(openCheckpoint(note, [signer().publicKey, key.publicKey]), {
      origin: "example.org/log",
      size: 42,
      root,
    });
  });

  it("are refused when anything is changed", () => {
    const changed = [
      note.replace("42", "43"),
      note.replace("example.org/log\n", "example.org/lag\n"),
      note.replace("\n\n", "\nmore\n\n"),
      "x",
      "a\n0\nb\n\n",
    ];
    for (const one of changed) assert.throws(() => openCheckpoint(one, [key.publicKey]), one);
    assert.throws(() => openCheckpoint(note, [signer().publicKey]), /not ours/);
  });

  it("have the key id of the specification's example", () => {
    // C2SP signed-note, "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    const raw = Buffer.from("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "base64").subarray(1);
    assert.equal(noteKeyId("PeterNeumann", raw).toString("hex"), "c74f20a3");
  });

  it("name the log without blanks", () => {
    assert.equal(logOrigin({ instance: "my cloud", region: "a+b" }), "andromede/my_20cloud/a_2Bb/events");
  });
});
