/** One-time passwords by time (RFC 6238, with the parameters of Keystone: SHA-1, six digits, 30 seconds). */
import { createHmac, timingSafeEqual } from "node:crypto";

const STEP_MS = 30_000;
/** How late a code may come: Keystone's `[totp] included_previous_windows`. */
const PREVIOUS_STEPS = 1;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** RFC 4648, padding and case as people write them; null: it is none. */
export function decodeBase32(text: string): Buffer | null {
  const bare = text.replaceAll(/[\s=]/g, "").toUpperCase();
  if (bare === "") return null;
  const bytes: number[] = [];
  let bits = 0;
  let value = 0;
  for (const character of bare) {
    const digit = ALPHABET.indexOf(character);
    if (digit < 0) return null;
    value = ((value << 5) | digit) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((value >> bits) & 0xff);
    }
  }
  return Buffer.from(bytes);
}

/** RFC 4226, section 5.3. */
export function passcodeAt(seed: Uint8Array, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac("sha1", seed).update(counter).digest();
  const offset = (mac.at(-1) ?? 0) & 0xf;
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

/** The step whose code this is, now or a moment ago; null: it is none of them. */
export function stepOfPasscode(seed: Uint8Array, passcode: string, nowMs: number): number | null {
  const now = Math.floor(nowMs / STEP_MS);
  for (let step = now; step >= now - PREVIOUS_STEPS && step >= 0; step -= 1) {
    const right = Buffer.from(passcodeAt(seed, step));
    const given = Buffer.from(passcode);
    if (given.length === right.length && timingSafeEqual(given, right)) return step;
  }
  return null;
}
