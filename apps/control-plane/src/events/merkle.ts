/**
 * The tree of RFC 9162 (section 2.1), built leaf by leaf. Pure but for the hash.
 *
 * A tree of n leaves is a row of perfect subtrees, one for each binary digit of n: all that has to be kept in order
 * to go on, or to know the root.
 */
import { createHash } from "node:crypto";

export const HASH_BYTES = 32;

/** RFC 9162, section 2.1.1: a node's hash is over 0x01 and its children's hashes. */
export const nodeHash = (left: Uint8Array, right: Uint8Array): Buffer =>
  createHash("sha256").update(Uint8Array.of(1)).update(left).update(right).digest();

/** The root of the tree without leaves. */
const emptyRoot = (): Buffer => createHash("sha256").digest();

export class Frontier {
  #size = 0;
  /** Perfect subtrees from left to right, each larger than the next. */
  #subtrees: { level: number; hash: Buffer }[] = [];

  get size(): number {
    return this.#size;
  }

  append(leaf: Buffer): void {
    this.appendSubtree(0, leaf);
  }

  /** A perfect subtree of 2^level leaves. The tree so far MUST be a multiple of that long. */
  appendSubtree(level: number, hash: Buffer): void {
    if (this.#size % 2 ** level !== 0) throw new Error(`a subtree of level ${level} does not fit at ${this.#size}`);
    this.#size += 2 ** level;
    let merged = { level, hash };
    for (let last = this.#subtrees.at(-1); last?.level === merged.level; last = this.#subtrees.at(-1)) {
      merged = { level: merged.level + 1, hash: nodeHash(last.hash, merged.hash) };
      this.#subtrees.pop();
    }
    this.#subtrees.push(merged);
  }

  root(): Buffer {
    const last = this.#subtrees.at(-1);
    if (last === undefined) return emptyRoot();
    return this.#subtrees.slice(0, -1).reduceRight((right, { hash }) => nodeHash(hash, right), last.hash);
  }

  copy(): Frontier {
    const copy = new Frontier();
    copy.#size = this.#size;
    copy.#subtrees = [...this.#subtrees];
    return copy;
  }
}
