/** Reads out of packs, with the files kept open that were read last. */
import { internal } from "@andromede/base/errors";

import type { PackFiles, Source } from "./driver.ts";
import { ROT } from "./seal.ts";

const OPEN_FILES = 128;
/** What nobody has read for so long is closed: it may have been removed, and its room is only free then. */
const IDLE_MS = 60_000;

export type PackReader = {
  read(packId: number, offset: number, bytes: number): Promise<Buffer>;
  close(): Promise<void>;
};

type Held = { source: Promise<Source>; readers: number; dropped: boolean; usedAt: number };

export function openPackReader(files: PackFiles, limit = OPEN_FILES, idleMs = IDLE_MS): PackReader {
  /** The one that was used last is the last. */
  const held = new Map<number, Held>();

  async function take(packId: number): Promise<Held> {
    let found = held.get(packId);
    if (found === undefined) {
      const source = files.open(packId);
      found = { source, readers: 0, dropped: false, usedAt: 0 };
      source.catch(() => held.delete(packId));
    } else held.delete(packId);
    held.set(packId, found);
    found.readers += 1;
    found.usedAt = performance.now();
    if (held.size > limit) {
      const [oldest] = held.keys();
      if (oldest !== undefined) drop(oldest);
    }
    return found;
  }

  function drop(packId: number): void {
    const found = held.get(packId);
    if (found === undefined) return;
    held.delete(packId);
    found.dropped = true;
    closeIfUnused(found);
  }

  function closeIfUnused(one: Held): void {
    if (!one.dropped || one.readers > 0) return;
    one.source.then((source) => source.close()).catch(() => undefined); // it was never open, or is not any more
  }

  const timer = setInterval(() => {
    const before = performance.now() - idleMs;
    for (const [packId, one] of held) if (one.usedAt < before) drop(packId);
  }, idleMs / 2);
  timer.unref();

  return {
    async read(packId, offset, bytes) {
      const one = await take(packId);
      try {
        const extent = Buffer.allocUnsafe(bytes);
        const source = await one.source;
        if ((await source.read(extent, offset)) < bytes) throw internal("a pack is cut off", { type: ROT });
        return extent;
      } finally {
        one.readers -= 1;
        closeIfUnused(one);
      }
    },
    async close() {
      clearInterval(timer);
      for (const packId of held.keys()) drop(packId);
      await Promise.resolve();
    },
  };
}
