/** CRC-32C (Castagnoli; RFC 3720) and CRC-64/NVME, which S3's newer clients send and Node has not. Pure. */

/** Reflected polynomials. */
const CASTAGNOLI = 0x82_f6_3b_78;
const NVME = 0x9a6c_9329_ac4b_c9b5n;

const table32 = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = (value >>> 1) ^ (value & 1 ? CASTAGNOLI : 0);
  return value;
});
const table64 = BigUint64Array.from({ length: 256 }, (_, byte) => {
  let value = BigInt(byte);
  for (let bit = 0; bit < 8; bit += 1) value = (value >> 1n) ^ (value & 1n ? NVME : 0n);
  return value;
});
const high = Uint32Array.from(table64, (value) => Number(value >> 32n));
const low = Uint32Array.from(table64, (value) => Number(value & 0xff_ff_ff_ffn));

/** As zlib's: the value so far in, the new one out. */
export function crc32c(bytes: Uint8Array, value = 0): number {
  let sum = ~value;
  for (const byte of bytes) sum = (sum >>> 8) ^ (table32[(sum ^ byte) & 0xff] ?? 0);
  return ~sum >>> 0;
}

export function crc64nvme(bytes: Uint8Array, value = 0n): bigint {
  let upper = ~Number(value >> 32n);
  let lower = ~Number(value & 0xff_ff_ff_ffn);
  for (const byte of bytes) {
    const at = (lower ^ byte) & 0xff;
    lower = ((lower >>> 8) | (upper << 24)) ^ (low[at] ?? 0);
    upper = (upper >>> 8) ^ (high[at] ?? 0);
  }
  return (BigInt(~upper >>> 0) << 32n) | BigInt(~lower >>> 0);
}
