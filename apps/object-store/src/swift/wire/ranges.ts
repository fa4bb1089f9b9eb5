/** `Range: bytes=...` (RFC 9110, section 14), with Swift's guards against requests for everything many times. Pure. */

/** `end` is the first byte that is not meant. */
export type ByteRange = { start: number; end: number };
type Spec = { first: number | null; last: number | null };

const MOST = 50;
const MOST_OVERLAPS = 2;
const MOST_UNORDERED = 8;

/** null: no range, or one that makes no sense and is ignored as RFC 9110 says. Empty: none that can be had (416). */
export function rangesOf(header: string | undefined, size: number): ByteRange[] | null {
  const specs = header === undefined ? null : parseRanges(header);
  return specs === null ? null : resolve(specs, size);
}

export function parseRanges(header: string): Spec[] | null {
  const text = header.replaceAll(" ", "");
  if (!/^bytes=/i.test(text)) return null;
  const specs: Spec[] = [];
  for (const part of text.slice(6).split(",")) {
    const [, first = "", last = ""] = /^(\d*)-(\d*)$/.exec(part) ?? [];
    if (first === "" && last === "") return null;
    const spec = { first: first === "" ? null : Number(first), last: last === "" ? null : Number(last) };
    if (spec.first !== null && spec.last !== null && spec.last < spec.first) return null;
    specs.push(spec);
  }
  return specs;
}

/** Those of the ranges that a body of that size has. The last bytes of nothing are nothing: such a range is empty. */
export function resolve(specs: Spec[], size: number): ByteRange[] {
  const ranges: ByteRange[] = [];
  for (const { first, last } of specs) {
    if (first === null) {
      if (last !== 0) ranges.push({ start: Math.max(0, size - (last ?? 0)), end: size });
    } else if (first < size) ranges.push({ start: first, end: Math.min((last ?? size) + 1, size) });
  }
  return isAbuse(ranges) ? [] : ranges;
}

function isAbuse(ranges: ByteRange[]): boolean {
  if (ranges.length > MOST) return true;
  let overlaps = 0;
  let ordered = true;
  for (const [index, one] of ranges.entries()) {
    const before = ranges[index - 1];
    if (before !== undefined && before.start > one.start) ordered = false;
    for (const other of ranges.slice(index + 1)) if (one.start < other.end && other.start < one.end) overlaps += 1;
  }
  return overlaps > MOST_OVERLAPS || (!ordered && ranges.length >= MOST_UNORDERED);
}

export const contentRange = ({ start, end }: ByteRange, size: number): string => `bytes ${start}-${end - 1}/${size}`;
