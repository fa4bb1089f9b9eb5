/** The hashes of the tree in tiles of 256 (C2SP tlog-tiles): what is stored, and later served as static files. */
import { Frontier, HASH_BYTES } from "./merkle.ts";

export const TILE_WIDTH = 256;
const TILE_HEIGHT = 8;

export type Tile = {
  level: number;
  tileIndex: number;
  hashes: Buffer;
  /** Level 0 only. */
  ids: string[] | null;
};

/** The last, growing tile of each level. */
type Edge = { tileIndex: number; hashes: Buffer[]; ids: string[] };

/** A log's right edge, in memory: enough to append to it, and to know its root. */
export class LogEdge {
  #edges: Edge[];
  #frontier: Frontier;

  private constructor(edges: Edge[], frontier: Frontier) {
    this.#edges = edges;
    this.#frontier = frontier;
  }

  static empty(): LogEdge {
    return new LogEdge([], new Frontier());
  }

  /** From the stored last tile of each level; `size` says how much of them counts. Throws when they do not fit together. */
  static fromTiles(size: number, tiles: Tile[]): LogEdge {
    const edges: Edge[] = [];
    const frontier = new Frontier();
    for (let level = 0, entries = size; entries > 0; level += 1, entries = Math.floor(entries / TILE_WIDTH)) {
      const width = entries % TILE_WIDTH;
      const tileIndex = Math.floor(entries / TILE_WIDTH);
      const tile = tiles.find((one) => one.level === level && one.tileIndex === tileIndex);
      const hashes = tile === undefined ? [] : splitHashes(tile.hashes);
      if (hashes.length < width) throw new Error(`tile ${level}/${tileIndex} lacks entries`);
      edges.push({ tileIndex, hashes: hashes.slice(0, width), ids: (tile?.ids ?? []).slice(0, width) });
    }
    for (const [level, edge] of [...edges.entries()].toReversed()) {
      for (const hash of edge.hashes) frontier.appendSubtree(level * TILE_HEIGHT, hash);
    }
    return new LogEdge(edges, frontier);
  }

  get size(): number {
    return this.#frontier.size;
  }

  root(): Buffer {
    return this.#frontier.root();
  }

  /** For trying something that may fail. */
  copy(): LogEdge {
    const edges = this.#edges.map(({ tileIndex, hashes, ids }) => ({ tileIndex, hashes: [...hashes], ids: [...ids] }));
    return new LogEdge(edges, this.#frontier.copy());
  }

  /** Appends a leaf. Returns the tiles that it completed, lowest level first. */
  append(leaf: { id: string; hash: Buffer }): Tile[] {
    this.#frontier.append(leaf.hash);
    return this.#appendAt(0, leaf.hash, leaf.id);
  }

  #appendAt(level: number, hash: Buffer, id: string | null): Tile[] {
    const edge = (this.#edges[level] ??= { tileIndex: 0, hashes: [], ids: [] });
    edge.hashes.push(hash);
    if (id !== null) edge.ids.push(id);
    if (edge.hashes.length < TILE_WIDTH) return [];
    const whole = toTile(level, edge);
    const inner = new Frontier();
    for (const one of edge.hashes) inner.append(one);
    this.#edges[level] = { tileIndex: edge.tileIndex + 1, hashes: [], ids: [] };
    return [whole, ...this.#appendAt(level + 1, inner.root(), null)];
  }

  /** The last tile of each level, where it has anything in it. */
  partialTiles(): Tile[] {
    return this.#edges.flatMap((edge, level) => (edge.hashes.length === 0 ? [] : [toTile(level, edge)]));
  }
}

const toTile = (level: number, edge: Edge): Tile => ({
  level,
  tileIndex: edge.tileIndex,
  hashes: Buffer.concat(edge.hashes),
  ids: level === 0 ? edge.ids : null,
});

export function splitHashes(hashes: Buffer): Buffer[] {
  return Array.from({ length: Math.floor(hashes.length / HASH_BYTES) }, (_, index) =>
    hashes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES),
  );
}
