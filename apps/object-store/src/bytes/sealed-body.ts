/**
 * A body that becomes chunks: its digests, its blocks sealed, its files written. Runs in a worker thread; what it holds is
 * one slab and what has been sealed of it.
 */
import type { Chunk, DigestName, Digests } from "./byte-store.ts";
import { createDigests } from "./digests.ts";
import type { Driver, Sink } from "./driver.ts";
import { BLOCK_BYTES, type Extent, createAddress, newExtent, sealBlock, sealedBytes } from "./seal.ts";

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
  options: { writerId: number; key: Uint8Array; digests: readonly DigestName[]; onChunk: (chunk: Chunk) => void },
): SealedBody {
  const { writerId } = options;
  const digests = createDigests(options.digests);
  let chunk: OpenChunk | null = null;
  let size = 0;

  async function beginChunk(): Promise<OpenChunk> {
    const sink = await driver.beginChunk(writerId);
    chunk = { sink, extent: newExtent(options.key, null), address: createAddress(), start: size, bytes: 0 };
    return chunk;
  }

  async function endChunk({ sink, address, start, bytes }: OpenChunk): Promise<void> {
    const name = address.address();
    await sink.finish(name);
    chunk = null;
    options.onChunk({ writerId, address: name, start, bytes, sealedBytes: sealedBytes(bytes) });
  }

  return {
    async add(plain, isLast) {
      digests.update(plain);
      const into = chunk ?? (await beginChunk());
      const isEnd = isLast || into.bytes + plain.length >= CHUNK_BYTES;
      const pieces = into.bytes === 0 ? [into.extent.header] : [];
      for (let at = 0; at < plain.length; at += BLOCK_BYTES) {
        const block = plain.subarray(at, at + BLOCK_BYTES);
        const last = isEnd && at + block.length === plain.length;
        const [sealed, seal] = sealBlock(into.extent.key, (into.bytes + at) / BLOCK_BYTES, last, block);
        into.address.add(seal);
        pieces.push(sealed, seal);
      }
      await into.sink.write(pieces);
      free(pieces);
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

/** Gives memory back now: the collector of garbage would only come by when there is much more of it. */
function free(pieces: Buffer[]): void {
  for (const { buffer, length } of pieces) {
    if (length >= BLOCK_BYTES && buffer instanceof ArrayBuffer && buffer.byteLength === length) buffer.transfer(0);
  }
}
