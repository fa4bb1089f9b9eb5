/**
 * A program for a guest that has a shell and nothing else: 4 KiB at places by chance of its standard input, a block device,
 * past the guest's own page cache, one after the other. A hundred and fifty bytes of x86-64, put together here.
 */
const BASE = 0x40_0000;
const HEADERS = 0x78;
const [PREAD, PWRITE] = [17, 18];

export type RandomIo = {
  write: boolean;
  /** How many times. */
  count: number;
  /** Within the first this many blocks of 4 KiB; a power of two. */
  blocks: number;
};

/** The program as a file. */
export function randomIoProgram({ write, count, blocks }: RandomIo): Buffer {
  const code = Buffer.concat([
    bytes("31ff be04000000 ba00400000 b848000000 0f05"), // fcntl(0, F_SETFL, O_DIRECT)
    bytes("49bc"), // r12: how many are left
    quad(BigInt(count)),
    bytes("49be"), // r14, r15: Knuth's generator and its state
    quad(6_364_136_223_846_793_005n),
    bytes("49bf"),
    quad(88_172_645_463_325_252n),
    bytes("49bd"), // r13: which blocks
    quad(BigInt(blocks - 1)),
    // once: r15 = r15 * r14 + 1; r10 = ((r15 >> 33) & r13) * 4096
    bytes("4d0faffe 49ffc7 4d89fa 49c1ea21 4d21ea 49c1e20c"),
    bytes(`31ff be00104000 ba00100000 b8${write ? hex(PWRITE) : hex(PREAD)}000000 0f05`), // of 4,096 bytes at 0x401000
    bytes("3d00100000 7509 49ffcc 75cc 31ff eb05"), // less than that: exit(1); all done: exit(0)
    bytes("bf01000000 b83c000000 0f05"),
  ]);
  return Buffer.concat([elfHeader(), programHeader(HEADERS + code.length), code]);
}

function elfHeader(): Buffer {
  const header = Buffer.alloc(0x40);
  header.set(bytes("7f454c46 020101"));
  header.writeUInt16LE(2, 0x10); // an executable ...
  header.writeUInt16LE(62, 0x12); // ... for x86-64
  header.writeUInt32LE(1, 0x14);
  header.writeBigUInt64LE(BigInt(BASE + HEADERS), 0x18);
  header.writeBigUInt64LE(0x40n, 0x20);
  header.writeUInt16LE(0x40, 0x34);
  header.writeUInt16LE(0x38, 0x36);
  header.writeUInt16LE(1, 0x38);
  return header;
}

/** All of the file, and behind it room for the buffer. */
function programHeader(size: number): Buffer {
  const header = Buffer.alloc(0x38);
  header.writeUInt32LE(1, 0);
  header.writeUInt32LE(7, 4);
  header.writeBigUInt64LE(BigInt(BASE), 0x10);
  header.writeBigUInt64LE(BigInt(BASE), 0x18);
  header.writeBigUInt64LE(BigInt(size), 0x20);
  header.writeBigUInt64LE(0x2000n, 0x28);
  header.writeBigUInt64LE(0x1000n, 0x30);
  return header;
}

const bytes = (digits: string): Buffer => Buffer.from(digits.replaceAll(" ", ""), "hex");
const hex = (value: number): string => value.toString(16).padStart(2, "0");

function quad(value: bigint): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(value);
  return buffer;
}
