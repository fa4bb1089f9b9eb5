/**
 * How a backup is kept. A directory of its name, whole from the moment it has this name:
 *
 *   pieces     the sealed pieces that this backup holds, one after the other
 *   manifest   one line of JSON (BackupHeader), a newline, then the sealed table
 *
 * The volume is cut into pieces of 4 MiB, the last one may be shorter. A piece of nothing but zeroes is nowhere. What is
 * sealed is: 12 bytes of nonce, the content under AES-256-GCM, 16 bytes of tag. A piece's content is one byte (0: as it
 * is, 1: zstd) and the bytes; what it is authenticated with names the backup that holds it and its number. The table's is
 * authenticated with the header's line, so neither can be changed without the key.
 *
 * The table has one entry of 50 bytes for each piece that is not zero, in their order, those of the parents too: number
 * (4), which backup of the chain holds it (2), offset and length in that one's `pieces` (8, 4), digest (32), big endian.
 * The digest is HMAC-SHA-256 of the piece, so that it tells nothing of it to those without the key; by it an incremental
 * backup knows what its parent has already.
 *
 * The two keys, for sealing and for digests, come from the backup's own by HKDF-SHA-256. Pure, chance aside.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from "node:crypto";

import { invalid } from "@andromede/base/errors";
import { isObject, parseJson } from "@andromede/base/json";

export const PIECE_BYTES = 4 * 1024 * 1024;
const FORMAT = "andromede-backup";
const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const ENTRY_BYTES = 50;
const DIGEST_BYTES = 32;

/** What is known of a backup without its key. */
export type BackupHeader = {
  id: string;
  volumeId: string;
  parentId: string | null;
  /** Ids of the backups whose pieces it refers to, itself last. */
  chain: string[];
  /** The volume's. */
  sizeBytes: number;
  pieceBytes: number;
  /** What this one takes, and how many pieces it holds. */
  storedBytes: number;
  pieces: number;
};

/** Where a piece is. `holder`: its place in the chain. */
export type BackupEntry = { piece: number; holder: number; offset: number; length: number; digest: Buffer };

export type BackupKeys = { seal: Buffer; digest: Buffer };

/** `key`: the backup's own, in base64. */
export function backupKeys(key: string): BackupKeys {
  const derive = (purpose: string): Buffer =>
    Buffer.from(hkdfSync("sha256", Buffer.from(key, "base64"), Buffer.alloc(0), `${FORMAT} ${purpose}`, 32));
  return { seal: derive("seal"), digest: derive("digest") };
}

export const digestOf = (keys: BackupKeys, piece: Buffer): Buffer =>
  createHmac("sha256", keys.digest).update(piece).digest();

function seal(keys: BackupKeys, content: readonly Buffer[], bound: Buffer): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", keys.seal, nonce).setAAD(bound);
  const sealed = content.map((part) => cipher.update(part));
  return Buffer.concat([nonce, ...sealed, cipher.final(), cipher.getAuthTag()]);
}

/** null: it is damaged, or the key is another. */
function open(keys: BackupKeys, sealed: Buffer, bound: Buffer): Buffer | null {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) return null;
  const decipher = createDecipheriv("aes-256-gcm", keys.seal, sealed.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(bound).setAuthTag(sealed.subarray(-TAG_BYTES));
  const content = decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES));
  try {
    decipher.final();
    return content;
  } catch {
    return null;
  }
}

const pieceName = (holderId: string, piece: number): Buffer => Buffer.from(`${FORMAT} piece ${holderId} ${piece}`);

export function sealPiece(
  keys: BackupKeys,
  place: { holderId: string; piece: number },
  content: { bytes: Buffer; compressed: boolean },
): Buffer {
  const mark = Buffer.from([content.compressed ? 1 : 0]);
  return seal(keys, [mark, content.bytes], pieceName(place.holderId, place.piece));
}

export function openPiece(
  keys: BackupKeys,
  place: { holderId: string; piece: number },
  sealed: Buffer,
): { bytes: Buffer; compressed: boolean } {
  const content = open(keys, sealed, pieceName(place.holderId, place.piece));
  if (content === null) throw damaged(place.holderId);
  return { bytes: content.subarray(1), compressed: content[0] === 1 };
}

/** The whole content of `manifest`. */
export function encodeManifest(keys: BackupKeys, header: BackupHeader, entries: readonly BackupEntry[]): Buffer {
  const line = Buffer.from(`${JSON.stringify({ format: FORMAT, version: VERSION, ...header })}\n`);
  const table = Buffer.alloc(entries.length * ENTRY_BYTES);
  entries.forEach(({ piece, holder, offset, length, digest }, index) => {
    const at = index * ENTRY_BYTES;
    table.writeUInt32BE(piece, at);
    table.writeUInt16BE(holder, at + 4);
    table.writeBigUInt64BE(BigInt(offset), at + 6);
    table.writeUInt32BE(length, at + 14);
    digest.copy(table, at + 18);
  });
  return Buffer.concat([line, seal(keys, [table], line)]);
}

/** The header of a manifest; nobody has vouched for it. */
export function readHeader(manifest: Buffer, backupId: string): BackupHeader {
  const end = manifest.indexOf("\n");
  const parsed = end < 0 ? null : parseJson(manifest.subarray(0, end).toString("utf8"), `the manifest of ${backupId}`);
  if (!isHeader(parsed) || parsed.id !== backupId) throw damaged(backupId);
  return parsed;
}

function isHeader(parsed: unknown): parsed is BackupHeader {
  if (!isObject(parsed) || parsed["format"] !== FORMAT || parsed["version"] !== VERSION) return false;
  const numbers = ["sizeBytes", "pieceBytes", "storedBytes", "pieces"].every((name) =>
    Number.isSafeInteger(parsed[name]),
  );
  const { chain, id } = parsed;
  return numbers && typeof id === "string" && Array.isArray(chain) && chain.at(-1) === id;
}

/** Header and table, if the key is right and nothing was changed. */
export function decodeManifest(
  keys: BackupKeys,
  manifest: Buffer,
  backupId: string,
): { header: BackupHeader; entries: BackupEntry[] } {
  const header = readHeader(manifest, backupId);
  const end = manifest.indexOf("\n") + 1;
  const table = open(keys, manifest.subarray(end), manifest.subarray(0, end));
  if (table === null)
    throw invalid(`Backup ${backupId} cannot be read: the key is not the one it was made with, or it is damaged`);
  const entries = Array.from({ length: table.length / ENTRY_BYTES }, (_none, index): BackupEntry => {
    const at = index * ENTRY_BYTES;
    return {
      piece: table.readUInt32BE(at),
      holder: table.readUInt16BE(at + 4),
      offset: Number(table.readBigUInt64BE(at + 6)),
      length: table.readUInt32BE(at + 14),
      digest: table.subarray(at + 18, at + 18 + DIGEST_BYTES),
    };
  });
  return { header, entries };
}

export const damaged = (backupId: string): Error => invalid(`Backup ${backupId} is damaged`);
