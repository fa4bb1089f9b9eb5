/** What it takes to put a small WebAssembly module together: for loops that JavaScript has no numbers for. Pure. */

/** Instructions, as bytes. */
export type Step = number[];

/** What we need of it; the types of Node have none of it. */
const { WebAssembly } = globalThis as unknown as {
  WebAssembly: {
    Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
    Instance: new (module: object) => { exports: object };
  };
};

/** Unsigned LEB128. */
export function leb(value: number): Step {
  return value < 128 ? [value] : [(value & 127) | 128, ...leb(value >>> 7)];
}
/** Signed. */
export function signedLeb(value: number): Step {
  const isLast = value >= -64 && value < 64;
  return isLast ? [value & 127] : [(value & 127) | 128, ...signedLeb(value >> 7)];
}
export const i32Const = (value: number): Step => [0x41, ...signedLeb(value)];

/** Of every module: what it is, and version 1. */
const START = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const section = (id: number, content: Step): Step => [id, ...leb(content.length), ...content];
const name = (text: string): Step => [text.length, ...Buffer.from(text)];
const TYPES = { i32: 0x7f, i64: 0x7e, v128: 0x7b };
type Type = keyof typeof TYPES;

export type WasmFunction = {
  parameters: readonly Type[];
  results: readonly Type[];
  /** After the parameters: so many of each. */
  locals: readonly (readonly [number, Type])[];
  code: Step;
};

/** Functions over one memory, all of them exported; `Exports` says what they are for JavaScript. */
export function assembleModule<Exports extends object>(
  memoryBytes: number,
  functions: { [name in keyof Exports]: WasmFunction },
): Exports & { memory: { buffer: ArrayBuffer } } {
  const all = Object.entries<WasmFunction>(functions);
  const list = (types: readonly Type[]): Step => [types.length, ...types.map((type) => TYPES[type])];
  const signatures = all.map(([, { parameters, results }]) => [0x60, ...list(parameters), ...list(results)]);
  const bodies = all.map(([, { locals, code }]) => {
    const declared = locals.flatMap(([count, type]) => [...leb(count), TYPES[type]]);
    const body = [...leb(locals.length), ...declared, ...code, 0x0b];
    return [...leb(body.length), ...body];
  });
  const exported = all.flatMap(([key], index) => [...name(key), 0, index]);
  const bytes = Uint8Array.from([
    ...START,
    ...section(1, [all.length, ...signatures.flat()]),
    ...section(3, [all.length, ...all.keys()]),
    ...section(5, [1, 0, ...leb(memoryBytes / 65_536)]),
    ...section(7, [all.length + 1, ...name("memory"), 2, 0, ...exported]),
    ...section(10, [all.length, ...bodies.flat()]),
  ]);
  return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as Exports & {
    memory: { buffer: ArrayBuffer };
  };
}
