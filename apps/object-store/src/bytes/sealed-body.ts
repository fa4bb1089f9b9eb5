/**
 * A body that becomes chunks: its digests, its blocks sealed, its files written. Runs in a worker thread; what it holds is
 * one slab, and the memory that it is sealed into.
 */
import type { Chunk, DigestName, Digests } from "./byte-store.ts";
import { type Md5, createDigests } from "./digests.ts";
import type { Driver, Sink } from "./driver.ts";
import {
  BLOCK_BYTES,
  type Extent,
  HEADER_BYTES,
  SEAL_BYTES,
  blockCount,
  createAddress,
  newExtent,
  sealBlock,
  sealedBytes,
} from "./seal.ts";

/** What a chunk holds of its body at most. A whole number of slabs. */
export const CHUNK_BYTES = 64 * 1024 * 1024;

export type SealedBody = {
  /** The next bytes. A whole number of blocks, unless they are the `last`. */
  add(plain: Uint8Array, isLast: boolean): Promise<void>;
  /** After the last bytes. */
  digests(): Digests;
  /** What is not finished goes. Chunks that were given to `onChunk` are the caller's to remove. */
  abandon(): Promise<void>;
};

type OpenChunk = {
  sink: Sink;
  extent: Extent;
  address: ReturnType<typeof createAddress>;
  start: number;
  bytes: number;
};

export function createSealedBody(
  driver: Driver,
  options: {
    writerId: number;
    key: Uint8Array;
    digests: readonly DigestName[];
    md5?: Md5 | undefined;
    onChunk: (chunk: Chunk) => void;
  },
): SealedBody {
  const { writerId } = options;
  const digests = createDigests(options.digests, options.md5);
  let chunk: OpenChunk | null = null;
  let size = 0;

  async function beginChunk(): Promise<OpenChunk> {
    const sink = await driver.beginChunk(writerId);
    chunk = { sink, extent: newExtent(options.key, null), address: createAddress(), start: size, bytes: 0 };
    return chunk;
  }

  async function write({ sink, extent, address, bytes }: OpenChunk, plain: Uint8Array, isEnd: boolean): Promise<void> {
    let filled = bytes === 0 ? HEADER_BYTES : 0;
    const room = await sink.room(filled + plain.length + blockCount(plain.length) * SEAL_BYTES);
    if (bytes === 0) extent.header.copy(room);
    for (let at = 0; at < plain.length; at += BLOCK_BYTES) {
      const block = plain.subarray(at, at + BLOCK_BYTES);
      const isLast = isEnd && at + block.length === plain.length;
      const sealed = room.subarray(filled, filled + block.length + SEAL_BYTES);
      sealBlock(extent.key, (bytes + at) / BLOCK_BYTES, isLast, block, sealed);
      address.add(sealed.subarray(block.length));
      filled += sealed.length;
    }
    await sink.write();
  }

  async function endChunk({ sink, address, start, bytes }: OpenChunk): Promise<void> {
    const name = address.address();
    await sink.finish(name);
    chunk = null;
    options.onChunk({ writerId, address: name, start, bytes, sealedBytes: sealedBytes(bytes) });
  }

  return {
    async add(plain, isLast) {
      await digests.update(plain);
      const into = chunk ?? (await beginChunk());
      const isEnd = isLast || into.bytes + plain.length >= CHUNK_BYTES;
      await write(into, plain, isEnd);
      into.bytes += plain.length;
      size += plain.length;
      if (isEnd) await endChunk(into);
    },
    digests: () => digests.digests(),
    async abandon() {
      await chunk?.sink.abandon();
      chunk = null;
    },
  };
}
