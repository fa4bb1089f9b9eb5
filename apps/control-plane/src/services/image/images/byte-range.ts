/** `Range: bytes=...` (RFC 9110, section 14). Pure. */

/** Both ends belong to it. */
export type ByteRange = { first: number; last: number };

/**
 * The one range that is asked for; null for the whole. Several ranges in one request are not served, which the
 * document allows; like Glance, what cannot be read at all is refused rather than passed over.
 */
export function readRange(header: string | undefined, sizeBytes: number): ByteRange | null | "unsatisfiable" {
  if (header === undefined || header.trim() === "") return null;
  const match = /^bytes=\s*(\d{0,15})\s*-\s*(\d{0,15})\s*$/.exec(header.trim());
  if (match === null) return "unsatisfiable";
  const [, from = "", to = ""] = match;
  if (from === "") {
    const length = Number(to);
    if (to === "" || length === 0 || sizeBytes === 0) return "unsatisfiable";
    return { first: Math.max(0, sizeBytes - length), last: sizeBytes - 1 };
  }
  const first = Number(from);
  const last = to === "" ? sizeBytes - 1 : Math.min(Number(to), sizeBytes - 1);
  return first > last ? "unsatisfiable" : { first, last };
}
