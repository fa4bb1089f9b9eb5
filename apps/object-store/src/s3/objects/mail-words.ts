/** RFC 2047's encoded words: how S3 puts text that is not ASCII into headers ("Working with object metadata"). Pure. */

const utf8 = new TextDecoder("utf-8", { fatal: true });
const WORDS = /=\?([\w-]+)\?([BbQq])\?([^?\s]*)\?=(?:\s+(?==\?[\w-]+\?[BbQq]\?))?/g;

/** A header value as Node gives it (one byte a character), as the text that its bytes are in UTF-8, else in latin-1. */
export function fromWire(value: string): string {
  // nothing above ASCII: nothing to decode
  if (!/[\u0080-\uffff]/.test(value)) return value;
  try {
    return utf8.decode(Buffer.from(value, "latin1"));
  } catch {
    return value;
  }
}

function decodeQ(text: string): Buffer {
  const plain = text
    .replaceAll("_", " ")
    .replaceAll(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(plain, "latin1");
}

/** Words that are not what they say stay as they are. */
export function decodeWords(text: string): string {
  if (!text.includes("=?")) return text;
  return text.replaceAll(WORDS, (word, charset: string, kind: string, encoded: string) => {
    const bytes = kind.toLowerCase() === "b" ? Buffer.from(encoded, "base64") : decodeQ(encoded);
    try {
      return new TextDecoder(charset, { fatal: true }).decode(bytes);
    } catch {
      return word;
    }
  });
}

/** Printable ASCII as it is, everything else as one encoded word. */
export const encodeWord = (text: string): string =>
  /^[\x20-\x7e\t]*$/.test(text) ? text : `=?UTF-8?B?${Buffer.from(text).toString("base64")}?=`;
