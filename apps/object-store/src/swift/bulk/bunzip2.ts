/**
 * bzip2, unpacked (Node has gzip, Brotli and Zstandard only). A block, of up to 900 kB, at a time: runs of runs, Huffman codes of
 * move-to-front ranks, and the Burrows-Wheeler transform behind them. Each block's checksum is looked at.
 */
import type { Readable } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";

import { invalid } from "@andromede/base/errors";

const BLOCK_MAGIC = 0x314159265359;
const END_MAGIC = 0x177245385090;
const GROUP = 50;
const LONGEST_CODE = 20;

const broken = (): Error => invalid("Invalid Tar File: not in bzip2's format");

export async function* bunzip2(source: Readable): AsyncGenerator<Buffer> {
  const bits = new BitReader(source);
  // several streams may follow each other, as `cat` makes them
  do {
    await bits.fill(4);
    if (bits.read(8) !== 0x42 || bits.read(8) !== 0x5a || bits.read(8) !== 0x68) throw broken();
    const level = bits.read(8) - 0x30;
    if (level < 1 || level > 9) throw broken();
    const size = level * 100_000;
    for (;;) {
      // a block is never longer than it was plain, by much: with that much at hand the rest need not wait
      await bits.fill(size + size / 4 + 65_536);
      const magic = bits.read(24) * 0x1000000 + bits.read(24);
      const sum = bits.read(16) * 0x10000 + bits.read(16);
      if (magic === END_MAGIC) break;
      if (magic !== BLOCK_MAGIC) throw broken();
      yield readBlock(bits, size, sum);
      // a block takes a while: others have their turn between two
      await turn();
    }
    bits.align();
    await bits.fill(4);
  } while (bits.hasBytes());
}

class BitReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #held: Buffer = Buffer.alloc(0);
  #at = 0;
  #bit = 0;
  #ended = false;

  constructor(source: Readable) {
    this.#chunks = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  /** Has so many bytes at hand, or all there are. */
  async fill(size: number): Promise<void> {
    if (this.#held.length - this.#at >= size || this.#ended) return;
    const parts = [this.#held.subarray(this.#at)];
    let have = this.#held.length - this.#at;
    while (have < size) {
      const next = await this.#chunks.next();
      if (next.done === true) {
        this.#ended = true;
        break;
      }
      parts.push(next.value);
      have += next.value.length;
    }
    this.#held = Buffer.concat(parts);
    this.#at = 0;
  }

  hasBytes(): boolean {
    return this.#at < this.#held.length;
  }

  align(): void {
    if (this.#bit > 0) {
      this.#at += 1;
      this.#bit = 0;
    }
  }

  /** At most 24 bits, without taking them: zeros behind the end. */
  peek(count: number): number {
    const held = this.#held;
    const at = this.#at;
    const word =
      ((held[at] ?? 0) << 24) | ((held[at + 1] ?? 0) << 16) | ((held[at + 2] ?? 0) << 8) | (held[at + 3] ?? 0);
    return (word << this.#bit) >>> (32 - count);
  }

  drop(count: number): void {
    const bit = this.#bit + count;
    this.#at += bit >> 3;
    this.#bit = bit & 7;
    if (this.#at > this.#held.length || (this.#at === this.#held.length && this.#bit > 0)) throw broken();
  }

  /** At most 24 bits. */
  read(count: number): number {
    const value = this.peek(count);
    this.drop(count);
    return value;
  }
}

/** Codes of one table, by length: the first of each, and where its symbols begin. */
type Table = { symbols: Uint16Array; base: Int32Array; limit: Int32Array };

function readBlock(bits: BitReader, size: number, sum: number): Buffer {
  if (bits.read(1) === 1) throw broken();
  const origin = bits.read(24);
  const used = readUsed(bits);
  const { selectors, tables } = readTables(bits, used.length + 2);
  const { ranks, counts } = readRanks(bits, { size, used, selectors, tables });
  if (origin >= ranks.length) throw broken();
  const plain = unrun(unsort(ranks, counts, origin));
  if (checksum(plain) !== sum) throw broken();
  return plain;
}

/** The bytes that there are in the block. */
function readUsed(bits: BitReader): number[] {
  const rows = bits.read(16);
  const used: number[] = [];
  for (let row = 0; row < 16; row += 1) {
    if ((rows & (0x8000 >> row)) === 0) continue;
    const columns = bits.read(16);
    for (let column = 0; column < 16; column += 1)
      if ((columns & (0x8000 >> column)) !== 0) used.push(row * 16 + column);
  }
  if (used.length === 0) throw broken();
  return used;
}

function readTables(bits: BitReader, symbols: number): { selectors: Uint8Array; tables: Table[] } {
  const count = bits.read(3);
  const groups = bits.read(15);
  if (count < 2 || count > 6 || groups < 1) throw broken();
  const order = Array.from({ length: count }, (_, index) => index);
  const selectors = new Uint8Array(groups);
  for (let group = 0; group < groups; group += 1) {
    let rank = 0;
    while (bits.read(1) === 1) if ((rank += 1) >= count) throw broken();
    const [table = 0] = order.splice(rank, 1);
    order.unshift(table);
    selectors[group] = table;
  }
  const tables: Table[] = [];
  for (let index = 0; index < count; index += 1) tables.push(readTable(bits, symbols));
  return { selectors, tables };
}

function readTable(bits: BitReader, symbols: number): Table {
  const lengths = new Uint8Array(symbols);
  let length = bits.read(5);
  for (let symbol = 0; symbol < symbols; symbol += 1) {
    for (;;) {
      if (length < 1 || length > LONGEST_CODE) throw broken();
      if (bits.read(1) === 0) break;
      length += bits.read(1) === 0 ? 1 : -1;
    }
    lengths[symbol] = length;
  }
  const table: Table = {
    symbols: new Uint16Array(symbols),
    base: new Int32Array(LONGEST_CODE + 2),
    limit: new Int32Array(LONGEST_CODE + 2).fill(-1),
  };
  let code = 0;
  let at = 0;
  for (let bitCount = 1; bitCount <= LONGEST_CODE; bitCount += 1) {
    // what to take off a code of this length to have its symbol's place
    table.base[bitCount] = code - at;
    for (let symbol = 0; symbol < symbols; symbol += 1)
      if (lengths[symbol] === bitCount) {
        table.symbols[at] = symbol;
        at += 1;
        code += 1;
      }
    table.limit[bitCount] = code - 1;
    code <<= 1;
  }
  return table;
}

function readSymbol(bits: BitReader, table: Table): number {
  const ahead = bits.peek(LONGEST_CODE);
  for (let length = 1; length <= LONGEST_CODE; length += 1) {
    const code = ahead >>> (LONGEST_CODE - length);
    if (code > (table.limit[length] ?? -1)) continue;
    bits.drop(length);
    const symbol = table.symbols[code - (table.base[length] ?? 0)];
    if (symbol === undefined) throw broken();
    return symbol;
  }
  throw broken();
}

type Coded = { size: number; used: number[]; selectors: Uint8Array; tables: Table[] };

/** The block's last column, before sorting is undone. */
function readRanks(bits: BitReader, coded: Coded): { ranks: Uint8Array; counts: Int32Array } {
  const { size, used, selectors, tables } = coded;
  const order = Uint8Array.from(used);
  const column = new Uint8Array(size);
  const counts = new Int32Array(256);
  const end = used.length + 1;
  let length = 0;
  let run = 0;
  let weight = 1;
  for (let read = 0; ; read += 1) {
    const table = tables[selectors[Math.floor(read / GROUP)] ?? -1];
    if (table === undefined) throw broken();
    const symbol = readSymbol(bits, table);
    if (symbol < 2) {
      run += weight << symbol;
      weight <<= 1;
      if (run > size) throw broken();
      continue;
    }
    if (length + run >= size + (symbol === end ? 1 : 0)) throw broken();
    const front = order[0] ?? 0;
    column.fill(front, length, length + run);
    counts[front] = (counts[front] ?? 0) + run;
    length += run;
    run = 0;
    weight = 1;
    if (symbol === end) return { ranks: column.subarray(0, length), counts };
    const byte = order[symbol - 1] ?? 0;
    order.copyWithin(1, 0, symbol - 1);
    order[0] = byte;
    counts[byte] = (counts[byte] ?? 0) + 1;
    column[length] = byte;
    length += 1;
  }
}

function unsort(column: Uint8Array, counts: Int32Array, origin: number): Uint8Array {
  const starts = new Int32Array(256);
  let sum = 0;
  for (let byte = 0; byte < 256; byte += 1) {
    starts[byte] = sum;
    sum += counts[byte] ?? 0;
  }
  const next = new Int32Array(column.length);
  for (let index = 0; index < column.length; index += 1) {
    const byte = column[index] ?? 0;
    const place = starts[byte] ?? 0;
    next[place] = index;
    starts[byte] = place + 1;
  }
  const plain = new Uint8Array(column.length);
  let at = next[origin] ?? 0;
  for (let index = 0; index < plain.length; index += 1) {
    plain[index] = column[at] ?? 0;
    at = next[at] ?? 0;
  }
  return plain;
}

/** After four equal bytes comes how many more of them there are. */
function unrun(bytes: Uint8Array): Buffer {
  const plain = Buffer.allocUnsafe(unrunSize(bytes));
  let at = 0;
  let equal = 0;
  let last = -1;
  for (const byte of bytes) {
    if (equal === 4) {
      plain.fill(last, at, at + byte);
      at += byte;
      equal = 0;
      continue;
    }
    equal = byte === last ? equal + 1 : 1;
    last = byte;
    plain[at] = byte;
    at += 1;
  }
  return plain;
}

function unrunSize(bytes: Uint8Array): number {
  let size = 0;
  let equal = 0;
  let last = -1;
  for (const byte of bytes) {
    if (equal === 4) {
      size += byte;
      equal = 0;
      continue;
    }
    equal = byte === last ? equal + 1 : 1;
    last = byte;
    size += 1;
  }
  return size;
}

const CRC = Int32Array.from({ length: 256 }, (_, index) => {
  let value = index << 24;
  for (let bit = 0; bit < 8; bit += 1) value = value < 0 ? (value << 1) ^ 0x04c11db7 : value << 1;
  return value;
});

function checksum(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) crc = (crc << 8) ^ (CRC[(crc >>> 24) ^ byte] ?? 0);
  return ~crc >>> 0;
}
