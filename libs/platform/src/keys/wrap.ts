import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

import { internal } from "@andromede/base/errors";

const VERSION = 1;
const NONCE = 12;
const TAG = 16;

/**
 * AES-256-GCM. `what` names the secret (`signing-key/<id>`): it is authenticated, so a wrapped secret that is moved to
 * another row does not open. Layout: version, nonce, tag, ciphertext.
 */
export function wrapSecret(key: Uint8Array, secret: Uint8Array, what: string): Buffer {
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  cipher.setAAD(Buffer.from(what));
  const sealed = Buffer.concat([cipher.update(secret), cipher.final()]);
  return Buffer.concat([Buffer.of(VERSION), nonce, cipher.getAuthTag(), sealed]);
}

/** The secret again; throws when key, bytes or name are not those it was wrapped with. */
export function unwrapSecret(key: Uint8Array, wrapped: Uint8Array, what: string): Buffer {
  const bytes = Buffer.from(wrapped);
  if (bytes[0] !== VERSION || bytes.length < 1 + NONCE + TAG) throw internal(`${what} is not a wrapped secret of ours`);
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(1, 1 + NONCE), { authTagLength: TAG });
    decipher.setAAD(Buffer.from(what));
    decipher.setAuthTag(bytes.subarray(1 + NONCE, 1 + NONCE + TAG));
    return Buffer.concat([decipher.update(bytes.subarray(1 + NONCE + TAG)), decipher.final()]);
  } catch (cause) {
    throw internal(`${what} cannot be unwrapped: it was wrapped with another key, or changed since`, { cause });
  }
}
