/**
 * CRC-32C (Castagnoli; RFC 3720) and CRC-64/NVME, which S3's newer clients send and Node has not. Eight bytes a step, by eight
 * tables; the loop is a few instructions of WebAssembly that are put together here: in JavaScript, a 64-bit number is two, and
 * the loop five times as slow. Pure.
 */

import { type Step, type WasmFunction, assembleModule, i32Const, leb, signedLeb } from "./wasm.ts";

/** Polynomials, reflected. */
const CASTAGNOLI = 0x82_f6_3b_78n;
const NVME = 0x9a6c_9329_ac4b_c9b5n;

/** In the module's memory: the tables, then what is summed. */
const INPUT = 32 * 1024;
const INPUT_BYTES = 96 * 1024;

type Width = 32 | 64;
type Sum = { bytes: Uint8Array; add(words: number, value: bigint): bigint; table: BigUint64Array };

const castagnoli = lazy(() => createSum(CASTAGNOLI));
const nvme = lazy(() => createSum(NVME));

/** As zlib's: the value so far in, the new one out. */
export const crc32c = (bytes: Uint8Array, value = 0): number => Number(sum(castagnoli(), 32, bytes, BigInt(value)));

export const crc64nvme = (bytes: Uint8Array, value = 0n): bigint => sum(nvme(), 64, bytes, value);

function sum(on: Sum, width: Width, bytes: Uint8Array, value: bigint): bigint {
  let state = BigInt.asUintN(width, ~value);
  const whole = bytes.length - (bytes.length % 8);
  for (let at = 0; at < whole; at += INPUT_BYTES) {
    const run = bytes.subarray(at, Math.min(whole, at + INPUT_BYTES));
    on.bytes.set(run, INPUT);
    state = BigInt.asUintN(width, on.add(run.length / 8, state));
  }
  for (const byte of bytes.subarray(whole)) {
    state = (state >> 8n) ^ (on.table[Number(state & 0xffn) ^ byte] ?? 0n);
  }
  return BigInt.asUintN(width, ~state);
}

function createSum(polynomial: bigint): Sum {
  const { memory, add } = assembleModule<{ add: Sum["add"] }>(INPUT + INPUT_BYTES, { add: writeAdd() });
  const tables = new BigUint64Array(memory.buffer, 0, 8 * 256);
  for (let byte = 0; byte < 256; byte += 1) {
    let value = BigInt(byte);
    for (let bit = 0; bit < 8; bit += 1) value = (value >> 1n) ^ (value & 1n ? polynomial : 0n);
    tables[byte] = value;
  }
  // what a byte does that has so many others behind it
  for (let index = 256; index < tables.length; index += 1) {
    const before = tables[index - 256] ?? 0n;
    tables[index] = (before >> 8n) ^ (tables[Number(before & 0xffn)] ?? 0n);
  }
  return { bytes: new Uint8Array(memory.buffer), add, table: tables.subarray(0, 256) };
}

function lazy<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

/**
 * `add(words: i32, value: i64) -> i64`: for each 64-bit word w from INPUT on, value ^= w; value = the sum, without carry, of
 * table[7 - i][byte i of value]. The narrower sum fits: its upper half is 0 after every step.
 */
function writeAdd(): WasmFunction {
  const [WORDS, VALUE, AT] = [0, 1, 2];
  const get = (local: number): Step => [0x20, local];
  const set = (local: number): Step => [0x21, local];
  const i64Const = (value: number): Step => [0x42, ...signedLeb(value)];
  const i64Load = (offset: number): Step => [0x29, 3, ...leb(offset)];
  const lookUp = (byte: number): Step => [
    ...get(VALUE),
    ...(byte === 0 ? [] : [...i64Const(8 * byte), 0x88]), // i64.shr_u
    0xa7, // i32.wrap_i64
    ...i32Const(255),
    0x71, // i32.and
    ...i32Const(3),
    0x74, // i32.shl
    ...i64Load((7 - byte) * 256 * 8),
    ...(byte === 0 ? [] : [0x85]), // i64.xor
  ];
  const step = [
    ...get(AT),
    ...i64Load(INPUT),
    ...get(VALUE),
    0x85, // i64.xor
    ...set(VALUE),
    ...[0, 1, 2, 3, 4, 5, 6, 7].flatMap(lookUp),
    ...set(VALUE),
    ...get(AT),
    ...i32Const(8),
    0x6a, // i32.add
    ...set(AT),
  ];
  const again = [...get(WORDS), ...i32Const(1), 0x6b, 0x22, WORDS, 0x0d, 0]; // i32.sub, local.tee, br_if
  const loop = [...get(WORDS), 0x04, 0x40, 0x03, 0x40, ...step, ...again, 0x0b, 0x0b]; // if (words) loop
  return {
    parameters: ["i32", "i64"],
    results: ["i64"],
    locals: [[1, "i32"]],
    code: [...loop, ...get(VALUE)],
  };
}
