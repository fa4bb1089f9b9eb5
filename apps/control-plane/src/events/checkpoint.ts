/**
 * A checkpoint says, under the cloud's signature, what the event log was when it had so many entries: C2SP
 * tlog-checkpoint in a C2SP signed-note with one Ed25519 signature, which other people's tools can check.
 */
import { createHash, createPublicKey, verify } from "node:crypto";

import { invalid } from "@andromede/base/errors";
import type { Signer } from "@andromede/platform/keys/key-tree";

import type { Config } from "../config.ts";

export type Checkpoint = { origin: string; size: number; root: Buffer };

/** Signature type of a signed note: Ed25519. */
const ED25519 = 1;

/** The log's name, which is its key's name too: no blanks, no plus sign. */
export const logOrigin = (config: Pick<Config, "instance" | "region">): string =>
  `andromede/${encodeURIComponent(config.instance)}/${encodeURIComponent(config.region)}/events`.replaceAll("%", "_");

/** The last 32 bytes of an Ed25519 SubjectPublicKeyInfo are the key itself. */
const rawKey = (publicKey: Buffer): Buffer => publicKey.subarray(-32);

/** C2SP signed-note: the first four bytes of SHA-256 over name, newline, type and key. */
export const noteKeyId = (name: string, publicKey: Buffer): Buffer =>
  createHash("sha256")
    .update(`${name}\n`)
    .update(Uint8Array.of(ED25519))
    .update(rawKey(publicKey))
    .digest()
    .subarray(0, 4);

export function signCheckpoint(checkpoint: Checkpoint, signer: Signer): string {
  const text = `${checkpoint.origin}\n${checkpoint.size}\n${checkpoint.root.toString("base64")}\n`;
  const signature = Buffer.concat([noteKeyId(checkpoint.origin, signer.publicKey), signer.sign(Buffer.from(text))]);
  return `${text}\n\u2014 ${checkpoint.origin} ${signature.toString("base64")}\n`;
}

/** Reads a note and checks its signature with one of the keys; throws `invalid` saying what is wrong. */
export function openCheckpoint(note: string, publicKeys: Buffer[]): Checkpoint {
  const end = note.indexOf("\n\n");
  if (end < 0) throw invalid("the checkpoint is not a signed note");
  const text = note.slice(0, end + 1);
  const [origin = "", size = "", root = ""] = text.split("\n");
  if (!/^(0|[1-9]\d{0,15})$/.test(size)) throw invalid("the checkpoint's size is malformed");
  const hash = Buffer.from(root, "base64");
  if (hash.length !== 32) throw invalid("the checkpoint's root is malformed");
  const signatures = note
    .slice(end + 2)
    .split("\n")
    .filter((line) => line !== "");
  const isSigned = signatures.some((line) => {
    const [dash, name, encoded = ""] = line.split(" ");
    const bytes = Buffer.from(encoded, "base64");
    if (dash !== "\u2014" || name !== origin || bytes.length !== 68) return false;
    const publicKey = publicKeys.find((key) => noteKeyId(origin, key).equals(bytes.subarray(0, 4)));
    if (publicKey === undefined) return false;
    return verify(
      null,
      Buffer.from(text),
      createPublicKey({ key: publicKey, format: "der", type: "spki" }),
      bytes.subarray(4),
    );
  });
  if (!isSigned) throw invalid("the checkpoint's signature is not ours");
  return { origin, size: Number(size), root: hash };
}
