/** `Range`: one run of bytes. Several are answered with the whole, as Amazon does. Pure. */

/** `end` is behind the last byte. */
export type ByteRange = { start: number; end: number };

const ONE_RANGE = /^bytes=\s*(\d{0,15})\s*-\s*(\d{0,15})\s*$/;

/** null: the whole; `none`: a range that the object does not have (416). */
export function parseRange(text: string | undefined, size: number): ByteRange | "none" | null {
  if (text === undefined) return null;
  const match = ONE_RANGE.exec(text);
  if (match === null) return null;
  const [, first = "", last = ""] = match;
  if (first === "") {
    if (last === "") return null;
    const length = Math.min(Number(last), size);
    return length === 0 ? "none" : { start: size - length, end: size };
  }
  const start = Number(first);
  if (last !== "" && Number(last) < start) return null;
  if (start >= size) return "none";
  return { start, end: last === "" ? size : Math.min(Number(last) + 1, size) };
}

/** `x-amz-copy-source-range`: both ends must be there, and inside. null: not such a range. */
export function parseCopyRange(text: string, size: number): ByteRange | null {
  const match = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(text);
  if (match === null) return null;
  const start = Number(match[1]);
  const end = Number(match[2]) + 1;
  return start < end && end <= size ? { start, end } : null;
}

/** The bytes of one part of a multipart object; null: it has no such part. */
export function rangeOfPart(parts: readonly number[] | undefined, number: number, size: number): ByteRange | null {
  if (parts === undefined) return number === 1 ? { start: 0, end: size } : null;
  const length = parts[number - 1];
  if (length === undefined) return null;
  let start = 0;
  for (let at = 0; at < number - 1; at += 1) start += parts[at] ?? 0;
  return { start, end: start + length };
}
