/** Keys and names as text: in the order of their UTF-8 bytes, which is that of code points, and not JavaScript's. Pure. */
import { invalid, tooLarge } from "@andromede/base/errors";

export const MAX_KEY_BYTES = 1024;

/** Greater than every name of at most 1,024 bytes. */
const ABOVE_ALL = "\u{10FFFF}".repeat(MAX_KEY_BYTES / 4 + 1);

/** PostgreSQL's text holds no U+0000: no such name was ever written. */
export const isStorable = (name: string): boolean => !name.includes("\0") && name.isWellFormed();

export function checkKey(key: string): string {
  if (key === "") throw invalid("The key must not be empty", { type: "InvalidURI" });
  if (!isStorable(key)) throw invalid("The key must be UTF-8 without NUL", { type: "InvalidURI" });
  if (Buffer.byteLength(key) > MAX_KEY_BYTES)
    throw tooLarge("Your key is too long", { type: "KeyTooLongError", status: 400 });
  return key;
}

/** The order of UTF-8's bytes. */
export function compareNames(a: string, b: string): number {
  const least = Math.min(a.length, b.length);
  for (let index = 0; index < least; index += 1) {
    const [left, right] = [a.charCodeAt(index), b.charCodeAt(index)];
    if (left === right) continue;
    // a half of a pair stands for a code point above all that are no pairs
    return rank(left) - rank(right);
  }
  return a.length - b.length;
}
const rank = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x1_0000 : unit);

/** The least text that is greater than all that begin with `prefix`; null: there is none. */
export function endOfPrefix(prefix: string): string | null {
  const points = Array.from(prefix);
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    const point = last.codePointAt(0) ?? 0;
    if (point >= 0x10_ffff) continue;
    // the next code point that is a character: halves of pairs are none
    const next = point + 1 >= 0xd800 && point + 1 <= 0xdfff ? 0xe000 : point + 1;
    return points.join("") + String.fromCodePoint(next);
  }
  return null;
}

/** The least storable text greater than `name`. */
export const after = (name: string): string => `${name}\u0001`;

/** Names from `low` to before `high`. */
export type Span = { low: string; high: string };

/** What a listing looks through; null: nothing can be in it. */
export function spanOf(range: {
  prefix?: string;
  marker?: string;
  endMarker?: string;
  reverse?: boolean;
}): Span | null {
  const { prefix = "", reverse = false } = range;
  if (!isStorable(prefix)) return null;
  const [from, to] = reverse ? [range.endMarker, range.marker] : [range.marker, range.endMarker];
  let low = prefix;
  let high = endOfPrefix(prefix) ?? ABOVE_ALL;
  if (from !== undefined && from !== "") {
    const least = after(cut(from));
    if (compareNames(least, low) > 0) low = least;
  }
  if (to !== undefined && to !== "") {
    // "a\0b" is greater than "a" and less than all else that begins with it
    const kept = cut(to);
    const most = kept === to ? to : after(kept);
    if (compareNames(most, high) < 0) high = most;
  }
  return compareNames(low, high) < 0 ? { low, high } : null;
}

/** A marker need not be a name: all before what no name has. */
function cut(marker: string): string {
  const nul = marker.indexOf("\0");
  return (nul === -1 ? marker : marker.slice(0, nul)).toWellFormed();
}

/** Names that S3 takes for buckets ("Bucket naming rules"). */
export const isBucketName = (name: string): boolean =>
  /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) &&
  !/\.\.|\.-|-\./.test(name) &&
  !/^\d{1,3}(\.\d{1,3}){3}$/.test(name) &&
  !/^(xn--|sthree-|amzn-s3-demo-)/.test(name) &&
  !/(-s3alias|--ol-s3|--x-s3|--table-s3)$|\.mrap$/.test(name);
