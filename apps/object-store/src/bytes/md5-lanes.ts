/**
 * MD5 (RFC 1321) of many bodies at once. One body's MD5 is a chain in which every step waits for the one before, and takes half
 * of the time that a write takes; four, or eight, that go side by side in the lanes of vectors take little longer than one. The
 * loop is WebAssembly that is put together here, as in `crc.ts`. Who is alone is better off with node:crypto's.
 */
import type { Md5 } from "./digests.ts";
import { type Step, type WasmFunction, assembleModule, i32Const, leb } from "./wasm.ts";

const BLOCK = 64;
/** Of each body that much at a time: it is copied to where the loop reads. */
const TILE = 16 * 1024;
const LANES = 8;

/** In the module's memory: a table, the states, a block's words of all lanes, then a tile for each lane. */
const TABLE = 0;
const STATE = 1024;
const WORDS = 2048;
const TILES = 4096;
const MEMORY_BYTES = 192 * 1024;

type Entry = { state: Uint32Array; bytes: Uint8Array; at: number; end: number; done: () => void };

/** For one thread: what waits when its turn comes goes together. All updates but the last have whole blocks of 64 bytes. */
export function createMd5Lanes(): { begin(): Md5 } {
  const loop = createLoop();
  let waiting: Entry[] = [];

  function run(): void {
    let batch = waiting;
    waiting = [];
    while (batch.length > 0) {
      loop(batch.slice(0, LANES));
      for (const entry of batch) if (entry.at === entry.end) entry.done();
      batch = batch.filter(({ at, end }) => at < end);
    }
  }

  return {
    begin() {
      const state = Uint32Array.from(INITIAL);
      let length = 0;
      let rest: Uint8Array = new Uint8Array();
      return {
        update(bytes) {
          if (length % BLOCK !== 0) throw new TypeError("only the last bytes may end within a block");
          length += bytes.length;
          const end = bytes.length - (bytes.length % BLOCK);
          rest = bytes.slice(end);
          if (end === 0) return undefined;
          return new Promise((done) => {
            // all that has come by now is seen first
            if (waiting.length === 0) setImmediate(run);
            waiting.push({ state, bytes, at: 0, end, done });
          });
        },
        digest() {
          const bytes = withPadding(rest, length);
          loop([{ state, bytes, at: 0, end: bytes.length, done: () => undefined }]);
          return Buffer.from(state.buffer).toString("hex");
        },
      };
    },
  };
}

const INITIAL = [0x67_45_23_01, 0xef_cd_ab_89, 0x98_ba_dc_fe, 0x10_32_54_76];

/** A one, zeros, and the length in bits. */
function withPadding(rest: Uint8Array, length: number): Uint8Array {
  const bytes = new Uint8Array(rest.length < 56 ? BLOCK : 2 * BLOCK);
  bytes.set(rest);
  bytes[rest.length] = 0x80;
  new DataView(bytes.buffer).setBigUint64(bytes.length - 8, BigInt(length) * 8n, true);
  return bytes;
}

type Loop = (bytes: number) => void;

/** Takes every entry a step further: as far as the shortest of them goes. At most `LANES`. */
function createLoop(): (entries: readonly Entry[]) => void {
  const { memory, four, eight } = assembleModule<{ four: Loop; eight: Loop }>(MEMORY_BYTES, {
    four: writeLoop(1),
    eight: writeLoop(2),
  });
  const bytes = new Uint8Array(memory.buffer);
  const words = new Uint32Array(memory.buffer);
  // RFC 1321, 3.4: the integer part of 2^32 times the sine; of every lane the same
  for (let step = 0; step < 64; step += 1)
    words.fill(Math.floor(2 ** 32 * Math.abs(Math.sin(step + 1))), TABLE / 4 + 4 * step, TABLE / 4 + 4 * step + 4);
  /** Word of the state of a lane. */
  const place = (lane: number, word: number): number => STATE / 4 + (lane >> 2) * 16 + word * 4 + (lane & 3);

  return (entries) => {
    const run = Math.min(...entries.map(({ at, end }) => end - at), TILE);
    for (const [lane, { state, bytes: from, at }] of entries.entries()) {
      bytes.set(from.subarray(at, at + run), TILES + lane * TILE);
      for (let word = 0; word < 4; word += 1) words[place(lane, word)] = state[word] ?? 0;
    }
    (entries.length > 4 ? eight : four)(run);
    for (const [lane, entry] of entries.entries()) {
      for (let word = 0; word < 4; word += 1) entry.state[word] = words[place(lane, word)] ?? 0;
      entry.at += run;
    }
  };
}

const SHIFTS = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
];
/** Which word of the block each step of a round takes. */
const WORD_OF = [
  (step: number) => step,
  (step: number) => 5 * step + 1,
  (step: number) => 3 * step + 5,
  (step: number) => 7 * step,
];

// locals: how many bytes, where we are, all ones, then for each four lanes a, b, c, d, and four more
const [BYTES, AT, ONES, FIRST] = [0, 1, 2, 3];
const get = (local: number): Step => [0x20, ...leb(local)];
const set = (local: number): Step => [0x21, ...leb(local)];
const simd = (operation: number): Step => [0xfd, ...leb(operation)];
const load = (address: Step, offset: number): Step => [...address, ...simd(0), 4, ...leb(offset)];
const store = (address: Step, value: Step, offset: number): Step => [
  ...address,
  ...value,
  ...simd(11),
  4,
  ...leb(offset),
];
const shiftBy = (operation: number, value: Step, bits: number): Step => [
  ...value,
  ...i32Const(bits),
  ...simd(operation),
];
const [and, andNot, or, xor, shiftLeft, shiftRight, plus] = [78, 79, 80, 81, 171, 173, 174];
const two = (operation: number, left: Step, right: Step): Step => [...left, ...right, ...simd(operation)];
/** Of two vectors, 32-bit words 0 to 3 and 4 to 7. */
const shuffle = (left: Step, right: Step, order: readonly number[]): Step => [
  ...left,
  ...right,
  ...simd(13),
  ...order.flatMap((word) => [4 * word, 4 * word + 1, 4 * word + 2, 4 * word + 3]),
];
const ZERO = i32Const(0);

/** `loop(bytes: i32)`: all blocks of the tiles of so many times four lanes. */
function writeLoop(groups: number): WasmFunction {
  const numbers = Array.from({ length: groups }, (_, group) => group);
  const local = (group: number, index: number): number => FIRST + 8 * group + index;
  const stateAt = (group: number, word: number): number => STATE + group * 64 + word * 16;
  const steps = Array.from({ length: 64 }, (_, step) => numbers.flatMap((group) => writeStep(step, group, local)));
  const block = [
    ...numbers.flatMap((group) => [...transpose(group, local), ...loadState(group)]),
    ...steps.flat(),
    ...numbers.flatMap((group) => addState(group)),
    ...get(AT),
    ...i32Const(BLOCK),
    0x6a, // i32.add
    0x22, // local.tee
    AT,
    ...get(BYTES),
    0x49, // i32.lt_u
    0x0d, // br_if
    0,
  ];
  function loadState(group: number): Step {
    return [0, 1, 2, 3].flatMap((word) => [...load(ZERO, stateAt(group, word)), ...set(local(group, word))]);
  }
  function addState(group: number): Step {
    return [0, 1, 2, 3].flatMap((word) =>
      store(ZERO, two(plus, get(local(group, word)), load(ZERO, stateAt(group, word))), stateAt(group, word)),
    );
  }
  return {
    parameters: ["i32"],
    results: [],
    locals: [
      [1, "i32"],
      [1 + 8 * groups, "v128"],
    ],
    code: [
      ...i32Const(-1),
      ...simd(17), // i32x4.splat
      ...set(ONES),
      0x03, // loop
      0x40,
      ...block,
      0x0b,
    ],
  };
}

/** The words of a block of four bodies, so that each vector has the same word of all four. */
function transpose(group: number, local: (group: number, index: number) => number): Step {
  const [v0, v1, v2, v3, t0, t1, t2, t3] = [0, 1, 2, 3, 4, 5, 6, 7].map((index) => local(group, index));
  const of = (lane: number | undefined): Step => get(lane ?? 0);
  const to = (lane: number | undefined): Step => set(lane ?? 0);
  const LOW = [0, 4, 1, 5];
  const HIGH = [2, 6, 3, 7];
  const FIRST_HALVES = [0, 1, 4, 5];
  const SECOND_HALVES = [2, 3, 6, 7];
  return [0, 1, 2, 3].flatMap((quarter) => {
    const word = (index: number): number => WORDS + group * 256 + (4 * quarter + index) * 16;
    return [
      ...[v0, v1, v2, v3].flatMap((lane, index) => [
        ...load(get(AT), TILES + (4 * group + index) * TILE + quarter * 16),
        ...to(lane),
      ]),
      ...shuffle(of(v0), of(v1), LOW),
      ...to(t0),
      ...shuffle(of(v0), of(v1), HIGH),
      ...to(t1),
      ...shuffle(of(v2), of(v3), LOW),
      ...to(t2),
      ...shuffle(of(v2), of(v3), HIGH),
      ...to(t3),
      ...store(ZERO, shuffle(of(t0), of(t2), FIRST_HALVES), word(0)),
      ...store(ZERO, shuffle(of(t0), of(t2), SECOND_HALVES), word(1)),
      ...store(ZERO, shuffle(of(t1), of(t3), FIRST_HALVES), word(2)),
      ...store(ZERO, shuffle(of(t1), of(t3), SECOND_HALVES), word(3)),
    ];
  });
}

/** a = b + ((a + f(b, c, d) + word + table) <<< shift), with the names moved on by one from step to step. */
function writeStep(step: number, group: number, local: (group: number, index: number) => number): Step {
  const round = step >> 4;
  const names = [0, 1, 2, 3].map((index) => local(group, (index + 64 - step) % 4));
  const [a = 0, b = 0, c = 0, d = 0] = names;
  const sum = local(group, 4);
  const word = ((WORD_OF[round]?.(step) ?? 0) % 16) * 16;
  const shift = SHIFTS[round]?.[step % 4] ?? 0;
  // what does not need b, which is the newest, is done while it is waited for
  const early = two(plus, two(plus, get(a), load(ZERO, WORDS + group * 256 + word)), load(ZERO, TABLE + step * 16));
  const mixed = [
    () => two(plus, early, two(xor, two(and, two(xor, get(c), get(d)), get(b)), get(d))),
    () => two(plus, two(plus, early, two(andNot, get(c), get(d))), two(and, get(b), get(d))),
    () => two(plus, early, two(xor, two(xor, get(c), get(d)), get(b))),
    () => two(plus, early, two(xor, two(or, two(xor, get(d), get(ONES)), get(b)), get(c))),
  ][round];
  return [
    ...(mixed?.() ?? []),
    ...set(sum),
    ...two(plus, two(or, shiftBy(shiftLeft, get(sum), shift), shiftBy(shiftRight, get(sum), 32 - shift)), get(b)),
    ...set(a),
  ];
}
