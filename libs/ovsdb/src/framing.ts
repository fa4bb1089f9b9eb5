/**
 * JSON texts follow each other on the wire with nothing between them (RFC 7047, section 4). The splitter finds
 * their ends by depth, byte by byte, without parsing twice; a text of many chunks is joined once.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACE = 0x7d;
const CLOSE_BRACKET = 0x5d;

/** Where the string that `at` is inside of ends: the position of its quote, or the chunk's length; and whether a backslash is pending. */
function endOfString(chunk: Buffer, at: number, escaped: boolean): { at: number; escaped: boolean } {
  let pending = escaped;
  for (let position = at; position < chunk.length; position++) {
    const byte = chunk[position];
    if (pending) pending = false;
    else if (byte === BACKSLASH) pending = true;
    else if (byte === QUOTE) return { at: position, escaped: false };
  }
  return { at: chunk.length, escaped: pending };
}

/** Returns a function that takes bytes as they come and calls `onText` for each whole JSON object. */
export function jsonSplitter(onText: (text: string) => void): (chunk: Buffer) => void {
  let depth = 0;
  let inString = false;
  let escaped = false;
  let held: Buffer[] = [];

  const finish = (last: Buffer): void => {
    const text = held.length === 0 ? last : Buffer.concat([...held, last]);
    held = [];
    onText(text.toString("utf8"));
  };

  return (chunk) => {
    let start = 0;
    for (let at = 0; at < chunk.length; at++) {
      if (inString) {
        ({ at, escaped } = endOfString(chunk, at, escaped));
        inString = at === chunk.length;
        continue;
      }
      const byte = chunk[at];
      if (byte === QUOTE) {
        inString = true;
      } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        if (depth === 0) start = at;
        depth += 1;
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        depth -= 1;
        if (depth < 0) throw new Error("unbalanced JSON from the database server");
        if (depth === 0) finish(chunk.subarray(start, at + 1));
      }
    }
    if (depth > 0) held.push(chunk.subarray(start));
  };
}
