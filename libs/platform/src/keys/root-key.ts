/**
 * The operator's root key: 32 random bytes, base64, in a file that only our user can read. Everything that is
 * wrapped in the database is worth nothing without it, and the other way round.
 */
import { hkdfSync, randomBytes } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readFileSync, writeFileSync } from "node:fs";

import { invalid } from "@andromede/base/errors";

const BYTES = 32;

/** What a derived key is for: a key never serves two purposes. */
export type WrappingPurpose = "project-key" | "signing-key" | "operator-secret";

/** Reads the root key; refuses a file that others may read, and anything but 32 bytes of base64. */
export function readRootKey(file: string): Buffer {
  const handle = openRootKey(file);
  try {
    // the open file is what is checked, so nobody can swap it between the look and the read
    const status = fstatSync(handle);
    if (!status.isFile()) throw invalid(`${file}: the root key must be an ordinary file`);
    if ((status.mode & 0o077) !== 0) {
      throw invalid(
        `${file}: the root key can be read by others (mode ${(status.mode & 0o777).toString(8)}, must be 600)`,
      );
    }
    const text = readFileSync(handle, "utf8").trim();
    const key = Buffer.from(text, "base64");
    if (key.length !== BYTES || key.toString("base64") !== text)
      throw invalid(`${file}: the root key must be ${BYTES} bytes in base64`);
    return key;
  } finally {
    closeSync(handle);
  }
}

function openRootKey(file: string): number {
  try {
    return openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (cause) {
    throw invalid(`${file}: the root key cannot be opened`, { cause });
  }
}

/** Makes a new root key; never overwrites one. */
export function createRootKey(file: string): void {
  writeFileSync(file, `${randomBytes(BYTES).toString("base64")}\n`, { mode: 0o600, flag: "wx" });
}

/** HKDF-SHA256 (RFC 5869): one wrapping key per purpose, none of which tells anything of the root or of another. */
export function deriveWrappingKey(root: Buffer, purpose: WrappingPurpose): Buffer {
  return Buffer.from(hkdfSync("sha256", root, Buffer.alloc(0), `andromede/v1/${purpose}`, BYTES));
}

/** What an installation calls itself where others may have been before it: nobody learns anything of the key from it. */
export const installationName = (root: Buffer): string =>
  Buffer.from(hkdfSync("sha256", root, Buffer.alloc(0), "andromede/v1/installation", 16)).toString("hex");
