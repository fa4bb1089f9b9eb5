/** A byte store in memory, for tests of what stands on one. Seals nothing, but a wrong key opens nothing. */
import { createHash, hash } from "node:crypto";
import { Readable } from "node:stream";

import { internal, invalid, tooLarge } from "@andromede/base/errors";
import type { Database } from "@andromede/platform/db/database";

import {
  type ByteStore,
  type Chunk,
  PACKED_BYTES,
  type Placement,
  type SealingKey,
  type WriteOptions,
  type Written,
} from "../bytes/byte-store.ts";

type Extent = { body: Buffer; key: string };

export type MemoryBytes = ByteStore & {
  /** Bodies written and neither committed nor given up. */
  unsettled(): number;
  /** Bodies that were committed or given up twice. */
  settledTwice(): number;
};

/** `chunkBytes`: how large bodies are cut. */
export async function openMemoryBytes(db: Database, chunkBytes = 1 << 20): Promise<MemoryBytes> {
  const [writer] = await db<{ id: number }[]>`insert into object_writer default values returning id`;
  const [pack] = await db<{ id: number }[]>`
    insert into object_pack (writer_id) values (${writer?.id ?? 0}) returning id`;
  const writerId = writer?.id ?? 0;
  const extents = new Map<string, Extent>();
  let offset = 0;
  let chunks = 0;
  let unsettled = 0;
  let twice = 0;

  const keep = (body: Buffer, options: WriteOptions): Placement => {
    const key = hash("sha256", options.key);
    if (body.length === 0) return { kind: "empty" };
    if (options.mayPack && body.length <= PACKED_BYTES) {
      const at = offset;
      offset += body.length;
      extents.set(`pack/${at}`, { body, key });
      return { kind: "packed", packId: pack?.id ?? 0, offset: at, bytes: body.length };
    }
    const made: Chunk[] = [];
    for (let start = 0; start < body.length; start += chunkBytes) {
      const part = body.subarray(start, start + chunkBytes);
      const address = hash("sha256", `${writerId}/${(chunks += 1)}`);
      extents.set(address, { body: part, key });
      made.push({ writerId, address, start, bytes: part.length, sealedBytes: part.length + 28 });
    }
    return { kind: "chunked", chunks: made };
  };

  const finish = (body: Buffer, options: WriteOptions): Written => {
    if (body.length > options.maxBytes) throw tooLarge("The body is too large", { type: "EntityTooLarge" });
    if (options.size !== null && body.length !== options.size) throw invalid("The body ended too early or too late");
    const digests = Object.fromEntries(
      ["md5" as const, ...options.digests]
        .filter((name) => !name.startsWith("crc"))
        .map((name) => [name, createHash(name).update(body).digest("hex")]),
    );
    const placement = keep(body, options);
    let settled = false;
    unsettled += 1;
    return {
      size: body.length,
      digests,
      placement,
      writerId,
      settle() {
        if (settled) twice += 1;
        else unsettled -= 1;
        settled = true;
        return Promise.resolve();
      },
    };
  };

  return {
    writerId,
    async write(body, options) {
      const parts: Buffer[] = [];
      for await (const part of body) parts.push(Buffer.from(part as Buffer));
      return finish(Buffer.concat(parts), options);
    },
    writeSmall: (body, options) => Promise.resolve(finish(body, options)),
    read: (placement, range) => Readable.from(partsOf(extents, placement, range), { objectMode: false }),
    readSmall: (placement, key) => Promise.resolve(open(extents, `pack/${placement.offset}`, key)),
    close: () => Promise.resolve(),
    unsettled: () => unsettled,
    settledTwice: () => twice,
  };
}

function open(extents: Map<string, Extent>, name: string, key: SealingKey): Buffer {
  const extent = extents.get(name);
  if (extent?.key !== hash("sha256", key)) throw internal(`${name} does not open`);
  return extent.body;
}

function* partsOf(
  extents: Map<string, Extent>,
  placement: Placement,
  { key, start, end }: { key: SealingKey; start: number; end: number },
): Generator<Buffer> {
  if (placement.kind === "packed") yield open(extents, `pack/${placement.offset}`, key).subarray(start, end);
  if (placement.kind !== "chunked") return;
  for (const chunk of placement.chunks) {
    if (chunk.start >= end || chunk.start + chunk.bytes <= start) continue;
    yield open(extents, chunk.address, key).subarray(Math.max(0, start - chunk.start), end - chunk.start);
  }
}
