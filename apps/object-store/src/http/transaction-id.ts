import { randomBytes } from "node:crypto";

const POOL = 64;
const BYTES = 11;
let pool = Buffer.alloc(0);
let at = 0;

/** `tx` + 21 hex digits + `-` + the time in 10 (Swift's form). Random bytes are drawn many at a time. */
export function newTransactionId(nowMs: number): string {
  if (at >= pool.length) {
    pool = randomBytes(POOL * BYTES);
    at = 0;
  }
  const random = pool.toString("hex", at, at + BYTES).slice(0, 21);
  at += BYTES;
  return `tx${random}-${Math.floor(nowMs / 1000)
    .toString(16)
    .padStart(10, "0")}`;
}
