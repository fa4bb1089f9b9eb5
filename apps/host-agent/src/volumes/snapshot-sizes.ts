/**
 * How large the disk was when each snapshot was taken. QEMU writes it into the image's snapshot table (its
 * docs/interop/qcow2.rst, "Snapshots") and goes by it when it reverts; qemu-img neither tells it nor goes by it.
 */
import { type FileHandle, open } from "node:fs/promises";

const COUNT_AT = 60;
const TABLE_AT = 64;
const ENTRY_BYTES = 40;
/** Extra data: 8 bytes of something else, then the size of the disk. */
const LEAST_EXTRA = 16;
const MOST_SNAPSHOTS = 65_536;

/** Snapshot name -> bytes. */
export async function snapshotSizes(path: string): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  const file = await open(path, "r");
  try {
    const header = await readAt(file, 0, TABLE_AT + 8);
    const count = Math.min(MOST_SNAPSHOTS, header.readUInt32BE(COUNT_AT));
    let at = Number(header.readBigUInt64BE(TABLE_AT));
    for (let entry = 0; entry < count; entry += 1) {
      // Each says where the next one is.
      // eslint-disable-next-line no-await-in-loop
      const head = await readAt(file, at, ENTRY_BYTES);
      const [idBytes, nameBytes, extraBytes] = [head.readUInt16BE(12), head.readUInt16BE(14), head.readUInt32BE(36)];
      if (extraBytes > 1024) break;
      // eslint-disable-next-line no-await-in-loop
      const rest = await readAt(file, at + ENTRY_BYTES, extraBytes + idBytes + nameBytes);
      const name = rest.toString("utf8", extraBytes + idBytes);
      if (extraBytes >= LEAST_EXTRA) sizes.set(name, Number(rest.readBigUInt64BE(8)));
      at += Math.ceil((ENTRY_BYTES + rest.length) / 8) * 8;
    }
  } finally {
    await file.close();
  }
  return sizes;
}

async function readAt(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, at);
  if (bytesRead !== length) throw new Error("the image's snapshot table is not where it should be");
  return buffer;
}
