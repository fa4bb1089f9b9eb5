/**
 * The CRC of bytes that follow each other, from the CRC of each run and its length: what comes before is moved along by as
 * many zero bits as follow, which is a matrix over GF(2), squared as often as the length has bits (as zlib's crc32_combine).
 */
import { internal } from "@andromede/base/errors";

type Matrix = bigint[];

const POLYNOMIALS: { [algorithm: string]: { reflected: bigint; bits: number } } = {
  CRC32: { reflected: 0xed_b8_83_20n, bits: 32 },
  CRC32C: { reflected: 0x82_f6_3b_78n, bits: 32 },
  CRC64NVME: { reflected: 0x9a_6c_93_29_ac_4b_c9_b5n, bits: 64 },
};

function times(matrix: Matrix, vector: bigint): bigint {
  let sum = 0n;
  for (let at = 0, rest = vector; rest !== 0n; at += 1, rest >>= 1n) if (rest & 1n) sum ^= matrix[at] ?? 0n;
  return sum;
}

const square = (matrix: Matrix): Matrix => matrix.map((row) => times(matrix, row));

/** By algorithm, for 1, 2, 4, ... zero bytes. */
const powers = new Map<string, Matrix[]>();

function powerOf(algorithm: string, exponent: number): Matrix {
  let known = powers.get(algorithm);
  if (known === undefined) {
    const polynomial = POLYNOMIALS[algorithm];
    if (polynomial === undefined) throw internal(`${algorithm} cannot be combined`);
    const oneBit: Matrix = [polynomial.reflected];
    for (let bit = 1; bit < polynomial.bits; bit += 1) oneBit.push(1n << BigInt(bit - 1));
    known = [square(square(square(oneBit)))];
    powers.set(algorithm, known);
  }
  while (known.length <= exponent) known.push(square(known.at(-1) ?? []));
  return known[exponent] ?? [];
}

function moved(algorithm: string, value: bigint, bytes: number): bigint {
  let result = value;
  for (let exponent = 0, rest = BigInt(bytes); rest !== 0n; exponent += 1, rest >>= 1n)
    if (rest & 1n) result = times(powerOf(algorithm, exponent), result);
  return result;
}

/** Base64 in, base64 out. */
export function combineCrc(algorithm: string, parts: readonly { value: string; size: number }[]): string {
  const bits = POLYNOMIALS[algorithm]?.bits ?? 32;
  let sum = 0n;
  for (const { value, size } of parts) {
    const own = BigInt(`0x${Buffer.from(value, "base64").toString("hex") || "0"}`);
    sum = moved(algorithm, sum, size) ^ own;
  }
  return Buffer.from(sum.toString(16).padStart(bits / 4, "0"), "hex").toString("base64");
}
