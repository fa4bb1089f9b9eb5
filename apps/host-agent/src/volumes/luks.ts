/**
 * The header of a LUKS volume (cryptsetup's "LUKS On-Disk Format Specification", version 1), as QEMU makes them in qcow2:
 * AES-256 in XTS mode, plain64, SHA-256, one passphrase in the first of eight key slots.
 *
 * QEMU measures for two seconds how many rounds of key derivation take a given time, however short. Our passphrases are
 * 256 random bits, so the number of rounds protects nothing: it is fixed here, and volumes are made at once.
 */
import { createCipheriv, hash, pbkdf2, randomBytes, randomUUID } from "node:crypto";
import { promisify } from "node:util";

const derive = promisify(pbkdf2);

/** More than the format's least. */
const ROUNDS = 2_000;
const SECTOR = 512;
const KEY_BYTES = 64;
const STRIPES = 4_000;
const SALT_BYTES = 32;
const DIGEST_BYTES = 20;
const CHUNK = 32;
const SLOT_IN_USE = 0xac71f3;

/** Where things are in the header. */
const AT = { magic: 0, payload: 104, keyBytes: 108, digest: 112, salt: 132, rounds: 164, uuid: 168, slots: 208 };
const IN_SLOT = { state: 0, rounds: 4, salt: 8, material: 40, stripes: 44 };

/**
 * Gives a header of the same geometry with a master key of its own, opened by the passphrase. `header`: of a volume that
 * QEMU made; all that the header's area holds.
 */
export async function newLuksHeader(header: Buffer, passphrase: string): Promise<Buffer> {
  assertKnown(header);
  const fresh = Buffer.from(header);
  const masterKey = randomBytes(KEY_BYTES);
  const salt = randomBytes(SALT_BYTES);
  salt.copy(fresh, AT.salt);
  (await derive(masterKey, salt, ROUNDS, DIGEST_BYTES, "sha256")).copy(fresh, AT.digest);
  fresh.writeUInt32BE(ROUNDS, AT.rounds);
  fresh.write(randomUUID(), AT.uuid, "latin1");
  const slot = fresh.subarray(AT.slots);
  const slotSalt = randomBytes(SALT_BYTES);
  slotSalt.copy(slot, IN_SLOT.salt);
  slot.writeUInt32BE(SLOT_IN_USE, IN_SLOT.state);
  slot.writeUInt32BE(ROUNDS, IN_SLOT.rounds);
  const slotKey = await derive(passphrase, slotSalt, ROUNDS, KEY_BYTES, "sha256");
  const material = slot.readUInt32BE(IN_SLOT.material) * SECTOR;
  encryptSectors(slotKey, split(masterKey)).copy(fresh, material);
  return fresh;
}

function assertKnown(header: Buffer): void {
  const known =
    header.toString("latin1", AT.magic, 6) === "LUKS\u00ba\u00be" &&
    header.readUInt16BE(6) === 1 &&
    textAt(header, 8) === "aes" &&
    textAt(header, 40) === "xts-plain64" &&
    textAt(header, 72) === "sha256" &&
    header.readUInt32BE(AT.keyBytes) === KEY_BYTES &&
    header.readUInt32BE(AT.slots + IN_SLOT.stripes) === STRIPES;
  if (!known) throw new Error("QEMU makes another kind of LUKS header than this one is for");
}

const textAt = (header: Buffer, at: number): string => header.toString("latin1", at, at + 32).replace(/\0+$/, "");

/** Anti-forensic split: all of it is needed to get the key back. */
function split(key: Buffer): Buffer {
  const stripes = randomBytes(KEY_BYTES * STRIPES);
  let mixed: Buffer = Buffer.alloc(KEY_BYTES);
  for (let at = 0; at < STRIPES - 1; at += 1)
    mixed = diffuse(xor(mixed, stripes.subarray(at * KEY_BYTES, (at + 1) * KEY_BYTES)));
  xor(mixed, key).copy(stripes, (STRIPES - 1) * KEY_BYTES);
  return stripes;
}

/** Gets the key back. */
export function merge(stripes: Buffer): Buffer {
  let mixed: Buffer = Buffer.alloc(KEY_BYTES);
  for (let at = 0; at < STRIPES - 1; at += 1)
    mixed = diffuse(xor(mixed, stripes.subarray(at * KEY_BYTES, (at + 1) * KEY_BYTES)));
  return xor(mixed, stripes.subarray((STRIPES - 1) * KEY_BYTES));
}

function xor(a: Buffer, b: Buffer): Buffer {
  const out = Buffer.allocUnsafe(a.length);
  for (let at = 0; at < a.length; at += 1) out[at] = (a[at] ?? 0) ^ (b[at] ?? 0);
  return out;
}

function diffuse(block: Buffer): Buffer {
  const numbered = Buffer.alloc(4 + CHUNK);
  return Buffer.concat(
    Array.from({ length: block.length / CHUNK }, (_none, index) => {
      numbered.writeUInt32BE(index, 0);
      block.copy(numbered, 4, index * CHUNK, (index + 1) * CHUNK);
      return hash("sha256", numbered, "buffer");
    }),
  );
}

function encryptSectors(key: Buffer, plain: Buffer): Buffer {
  const sectors: Buffer[] = [];
  for (let at = 0; at < plain.length; at += SECTOR)
    sectors.push(createCipheriv("aes-256-xts", key, sectorIv(at / SECTOR)).update(plain.subarray(at, at + SECTOR)));
  return Buffer.concat(sectors);
}

/** plain64: the sector's number. */
export function sectorIv(sector: number): Buffer {
  const iv = Buffer.alloc(16);
  iv.writeBigUInt64LE(BigInt(sector));
  return iv;
}
