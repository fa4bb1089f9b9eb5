/**
 * How bytes look at rest (docs/rfd/0011-object-store.md, "Bytes"). An *extent* is one body, or a run of it, sealed:
 *
 *   header: "AOX", version, body's length (0xffffffff: up to the end of the file), salt (16), CRC-32 of all that
 *   blocks: 128 KiB of the body each, the last one shorter: AES-256-GCM, its tag (16), CRC-32 of both (4)
 *
 * The key of an extent is derived from its owner's and the salt, so no key ever seals two different blocks under one
 * nonce, which is the block's number. The last block is authenticated as the last: nothing can be cut off. Where a block
 * lies follows from its number. The CRC tells rot from all else without a key. Knows no file.
 */
import {
  type KeyObject,
  createCipheriv,
  createDecipheriv,
  createHash,
  createSecretKey,
  hash,
  randomFillSync,
} from "node:crypto";
import { crc32 } from "node:zlib";

import { internal } from "@andromede/base/errors";

import { free, markFreeable } from "./piece-memory.ts";

export const BLOCK_BYTES = 128 * 1024;
export const HEADER_BYTES = 28;
const TAG_BYTES = 16;
/** What a block has behind its bytes. */
export const SEAL_BYTES = TAG_BYTES + 4;
export const SEALED_BLOCK_BYTES = BLOCK_BYTES + SEAL_BYTES;

const MAGIC = 0x414f5801; // "AOX", version 1
const TO_END_OF_FILE = 0xff_ff_ff_ff;
const SALT_AT = 8;
const SALT_BYTES = 16;

/** `type` of the error that says: these are not the bytes that were written. */
export const ROT = "Rot";
const rotten = (what: string): Error => internal(`${what} is not as it was written`, { type: ROT });

export const blockCount = (bytes: number): number => Math.ceil(bytes / BLOCK_BYTES);
export const sealedBytes = (bytes: number): number => HEADER_BYTES + bytes + blockCount(bytes) * SEAL_BYTES;
/** Where in its extent a block begins. */
export const blockOffset = (block: number): number => HEADER_BYTES + block * SEALED_BLOCK_BYTES;
export type Extent = { header: Buffer; key: KeyObject };

/** Begins an extent; `bytes` null: its length is the file's. */
export function newExtent(ownerKey: Uint8Array, bytes: number | null): Extent {
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  header.writeUInt32BE(MAGIC, 0);
  header.writeUInt32BE(bytes ?? TO_END_OF_FILE, 4);
  takeSalt().copy(header, SALT_AT);
  header.writeUInt32BE(crc32(header.subarray(0, HEADER_BYTES - 4)), HEADER_BYTES - 4);
  return { header, key: deriveKey(ownerKey, header.subarray(SALT_AT, SALT_AT + SALT_BYTES)) };
}

/** The key of an extent from its header; throws (`ROT`) what is none. */
export function extentKey(ownerKey: Uint8Array, header: Buffer): KeyObject {
  if (!isHeader(header)) throw rotten("The header of an extent");
  return deriveKey(ownerKey, header.subarray(SALT_AT, SALT_AT + SALT_BYTES));
}

/** Length of the body that a header announces: null for the rest of the file; undefined where there is no header. */
export function announcedBytes(header: Buffer): number | null | undefined {
  if (!isHeader(header)) return undefined;
  const bytes = header.readUInt32BE(4);
  return bytes === TO_END_OF_FILE ? null : bytes;
}

const isHeader = (header: Buffer): boolean =>
  header.length >= HEADER_BYTES &&
  header.readUInt32BE(0) === MAGIC &&
  header.readUInt32BE(HEADER_BYTES - 4) === crc32(header.subarray(0, HEADER_BYTES - 4));

/** A block's bytes and what comes behind them, tag and CRC, into as many bytes (`SEAL_BYTES` more than the block has). */
export function sealBlock(key: KeyObject, block: number, isLast: boolean, plain: Uint8Array, into: Buffer): void {
  const cipher = createCipheriv("aes-256-gcm", key, nonceOf(block));
  cipher.setAAD(isLast ? LAST : NOT_LAST);
  for (let at = 0; at < plain.length; at += STEP_BYTES) {
    const sealed = cipher.update(plain.subarray(at, at + STEP_BYTES));
    sealed.copy(into, at);
    free(markFreeable(sealed));
  }
  cipher.final();
  const end = plain.length + TAG_BYTES;
  cipher.getAuthTag().copy(into, plain.length);
  into.writeUInt32BE(crc32(into.subarray(0, end)), end);
}

/** A cipher gives new memory each time: as much as the processor's nearest cache has, and the next step gets the same again. */
const STEP_BYTES = 32 * 1024;

/** The bytes of a block; throws (`ROT`) when they are not what was sealed, before any of them is given. */
export function openBlock(key: KeyObject, block: number, isLast: boolean, sealed: Buffer): Buffer {
  const end = sealed.length - SEAL_BYTES;
  if (end <= 0) throw rotten(`Block ${block}`);
  const decipher = createDecipheriv("aes-256-gcm", key, nonceOf(block), OPEN_OPTIONS);
  decipher.setAAD(isLast ? LAST : NOT_LAST);
  decipher.setAuthTag(sealed.subarray(end, end + TAG_BYTES));
  const plain = decipher.update(sealed.subarray(0, end));
  try {
    decipher.final();
  } catch (cause) {
    // the CRC is not looked at where the tag is right: the tag says more
    if (!isWhole(sealed)) throw rotten(`Block ${block}`);
    throw internal(`Block ${block} does not open: it was sealed with another key, or changed on purpose`, { cause });
  }
  return plain;
}

/** Is a sealed block what was written? Needs no key. */
export function isWhole(sealed: Buffer): boolean {
  const end = sealed.length - 4;
  return end >= TAG_BYTES && sealed.readUInt32BE(end) === crc32(sealed.subarray(0, end));
}

/** Is an extent of one block what was written? Needs no key. */
export const isWholeExtent = (extent: Buffer): boolean =>
  announcedBytes(extent) === extent.length - HEADER_BYTES - SEAL_BYTES && isWhole(extent.subarray(HEADER_BYTES));

/** Looks at an extent block by block, without a key; null: that is no header. */
export function createExtentCheck(header: Buffer): { add(sealed: Buffer): boolean; address(): string } | null {
  if (!isHeader(header)) return null;
  const address = createAddress();
  return {
    add(sealed) {
      address.add(sealed.subarray(sealed.length - SEAL_BYTES));
      return isWhole(sealed);
    },
    address: () => address.address(),
  };
}

/** A whole extent of one block, in one buffer. */
export function sealSmall(ownerKey: Uint8Array, body: Uint8Array): Buffer {
  const { header, key } = newExtent(ownerKey, body.length);
  const extent = Buffer.allocUnsafe(HEADER_BYTES + body.length + SEAL_BYTES);
  header.copy(extent);
  sealBlock(key, 0, true, body, extent.subarray(HEADER_BYTES));
  return extent;
}

/** The body of an extent of one block. */
export function openSmall(ownerKey: Uint8Array, extent: Buffer): Buffer {
  const key = extentKey(ownerKey, extent);
  if (announcedBytes(extent) !== extent.length - HEADER_BYTES - SEAL_BYTES) throw rotten("An extent");
  return openBlock(key, 0, true, extent.subarray(HEADER_BYTES));
}

/** Name of an extent: SHA-256 over what its blocks have behind them. */
export function createAddress(): { add(seal: Buffer): void; address(): string } {
  const sum = createHash("sha256");
  return { add: (seal) => void sum.update(seal), address: () => sum.digest("hex") };
}

const LAST = Buffer.of(1);
const NOT_LAST = Buffer.of(0);
const OPEN_OPTIONS = { authTagLength: TAG_BYTES };

function nonceOf(block: number): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUInt32BE(block, 8);
  return nonce;
}

const salts = Buffer.allocUnsafeSlow(SALT_BYTES * 256);
let saltAt = salts.length;
/** Random bytes are fetched many at a time. */
function takeSalt(): Buffer {
  if (saltAt === salts.length) {
    randomFillSync(salts);
    saltAt = 0;
  }
  saltAt += SALT_BYTES;
  return salts.subarray(saltAt - SALT_BYTES, saltAt);
}

const INFO = Buffer.from("andromede/extent/v1/");
const HASH_BLOCK = 64;
const inner = Buffer.alloc(HASH_BLOCK + INFO.length + SALT_BYTES + 1);
const outer = Buffer.alloc(HASH_BLOCK + 32);
INFO.copy(inner, HASH_BLOCK);
inner[inner.length - 1] = 1;

/**
 * HKDF-SHA256's second step (RFC 5869, 2.3; its first is for keys that are not uniformly random, 3.3), with the salt as its
 * information. HMAC is written out: node:crypto's costs ten times what two plain hashes do, more than sealing 4 KiB.
 * And a cipher that is given a key object costs a fourth of one that is given its bytes.
 */
function deriveKey(ownerKey: Uint8Array, salt: Uint8Array): KeyObject {
  if (ownerKey.length !== 32) throw internal("a sealing key has 32 bytes");
  for (let at = 0; at < HASH_BLOCK; at += 1) {
    const byte = ownerKey[at] ?? 0;
    inner[at] = byte ^ 0x36;
    outer[at] = byte ^ 0x5c;
  }
  inner.set(salt, HASH_BLOCK + INFO.length);
  hash("sha256", inner, "buffer").copy(outer, HASH_BLOCK);
  const key = createSecretKey(hash("sha256", outer, "buffer"));
  inner.fill(0, 0, HASH_BLOCK);
  outer.fill(0);
  return key;
}
