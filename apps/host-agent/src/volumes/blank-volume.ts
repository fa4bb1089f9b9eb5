/**
 * Encrypted qcow2 files with nothing in them, made from one that qemu-img made: the same file, but for its LUKS header,
 * which is another for each. What is kept as the pattern was made with a key that nobody has any more.
 */
import { randomBytes } from "node:crypto";
import { open, readFile, rename, stat } from "node:fs/promises";

import { removePath } from "../durable.ts";
import { newLuksHeader } from "./luks.ts";
import { createOpen, syncPath } from "./qcow2-pool.ts";
import type { VolumeTools } from "./tools.ts";

/** Of the pattern; the volume is then grown. */
const BLANK_GIB = 1;

const TARGET = "/volume/target";
const CLUSTER = 65_536;
/** Header extension "full disk encryption header pointer" (QEMU's docs/interop/qcow2.rst). */
const ENCRYPTION = 0x0537_be77;
const HEADER_LENGTH_AT = 100;

/** `luksAt`, `luksBytes`: where its LUKS header is. */
export type Pattern = { bytes: Buffer; luksAt: number; luksBytes: number };

/** The host's pattern, made if it has none yet. */
export async function loadPattern(tools: VolumeTools, path: string): Promise<Pattern> {
  if ((await stat(path).catch(() => null)) === null) await makePattern(tools, path);
  const bytes = await readFile(path);
  return { bytes, ...luksIn(bytes) };
}

async function makePattern(tools: VolumeTools, path: string): Promise<void> {
  const partial = `${path}.partial`;
  await removePath(partial);
  await createOpen(partial);
  const encryption = "encrypt.format=luks,encrypt.key-secret=key0,encrypt.iter-time=1";
  await tools.img("create", ["-q", "-f", "qcow2", "-o", encryption, TARGET, `${BLANK_GIB}G`], {
    owner: "pattern",
    files: [{ source: partial, target: TARGET, writable: true }],
    keys: [randomBytes(32).toString("base64")],
    what: "making the pattern of volumes",
    bytes: 0,
  });
  await syncPath(partial);
  await rename(partial, path);
}

/** Where a qcow2 file has its LUKS header. */
function luksIn(image: Buffer): { luksAt: number; luksBytes: number } {
  for (let at = image.readUInt32BE(HEADER_LENGTH_AT); at < CLUSTER;) {
    const [type, length] = [image.readUInt32BE(at), image.readUInt32BE(at + 4)];
    if (type === ENCRYPTION) {
      return {
        luksAt: Number(image.readBigUInt64BE(at + 8)),
        luksBytes: Number(image.readBigUInt64BE(at + 16)),
      };
    }
    if (type === 0) break;
    at += 8 + Math.ceil(length / 8) * 8;
  }
  throw new Error("qemu-img made an encrypted image without a LUKS header");
}

/** Writes an empty volume of BLANK_GIB that the passphrase opens; the file is there and empty. */
export async function writeBlank(
  { bytes, luksAt, luksBytes }: Pattern,
  path: string,
  passphrase: string,
): Promise<void> {
  const image = Buffer.from(bytes);
  (await newLuksHeader(image.subarray(luksAt, luksAt + luksBytes), passphrase)).copy(image, luksAt);
  const file = await open(path, "r+");
  try {
    for (let at = 0; at < image.length; at += CLUSTER) {
      const cluster = image.subarray(at, at + CLUSTER);
      // Holes take no space.
      // eslint-disable-next-line no-await-in-loop
      if (cluster.some((byte) => byte !== 0)) await file.write(cluster, 0, cluster.length, at);
    }
    await file.truncate(image.length);
  } finally {
    await file.close();
  }
}
