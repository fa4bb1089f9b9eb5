import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";

import { Frontier, nodeHash } from "./merkle.ts";
import { LogEdge, type Tile } from "./tiles.ts";

const leaf = (index: number): Buffer => createHash("sha256").update(`\0leaf ${index}`).digest();

/** RFC 9162, section 2.1.1, word by word. */
function treeHash(leaves: Buffer[]): Buffer {
  const [first] = leaves;
  if (first === undefined) return createHash("sha256").digest();
  if (leaves.length === 1) return first;
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return nodeHash(treeHash(leaves.slice(0, k)), treeHash(leaves.slice(k)));
}

describe("the frontier", () => {
  it("has the RFC's root at every size", () => {
    const frontier = new Frontier();
    const leaves: Buffer[] = [];
    assert.equal(frontier.root().toString("hex"), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (let size = 1; size <= 70; size += 1) {
      leaves.push(leaf(size));
      frontier.append(leaf(size));
      assert.deepEqual(frontier.root(), treeHash(leaves), `size ${size}`);
    }
  });

  it("refuses a subtree where none fits", () => {
    const frontier = new Frontier();
    frontier.append(leaf(0));
    assert.throws(() => frontier.appendSubtree(1, leaf(1)), /does not fit/);
  });
});

describe("the log's edge", () => {
  it("writes tiles from which it can be taken up again at any size", () => {
    const stored = new Map<string, Tile>();
    const keep = (tiles: Tile[]): void => {
      for (const tile of tiles) stored.set(`${tile.level}/${tile.tileIndex}`, tile);
    };
    const plain = new Frontier();
    let edge = LogEdge.empty();
    const size = 256 * 256 + 256 + 3;
    for (let index = 0; index < size; index += 1) {
      plain.append(leaf(index));
      keep(edge.append({ id: String(index), hash: leaf(index) }));
      if (index % 4097 === 0 || index >= size - 2) {
        keep(edge.partialTiles());
        assert.deepEqual(edge.root(), plain.root());
        edge = LogEdge.fromTiles(index + 1, [...stored.values()]);
        assert.equal(edge.size, index + 1);
        assert.deepEqual(edge.root(), plain.root(), `taken up at ${index + 1}`);
      }
    }
    assert.equal(stored.get("2/0")?.hashes.length, 32);
    assert.deepEqual(stored.get("0/257")?.ids, [String(size - 3), String(size - 2), String(size - 1)]);
  });

  it("is not taken up from tiles that lack entries", () => {
    assert.throws(() => LogEdge.fromTiles(3, []), /lacks entries/);
  });
});
