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

/** Returns a function that takes bytes as they come and calls `onText` for each whole JSON object. */
export function jsonSplitter(onText: (text: string) => void): (chunk: Buffer) => void {
  let depth = 0;
  let inString = false;
  let escaped = false;
  let held: Buffer[] = [];

  return (chunk) => {
    let start = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at];
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inString = false;
        continue;
      }
      if (byte === QUOTE) {
        inString = true;
      } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        if (depth === 0) start = at;
        depth += 1;
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        depth -= 1;
        if (depth > 0) continue;
        if (depth < 0) throw new Error("unbalanced JSON from the database server");
        held.push(chunk.subarray(start, at + 1));
        const text = held.length === 1 ? held[0] : Buffer.concat(held);
        held = [];
        start = at + 1;
        onText((text ?? chunk).toString("utf8"));
      }
    }
    if (depth > 0) held.push(chunk.subarray(start));
  };
}
