/** Characters on the wire: headers and paths are bytes that should be UTF-8; Node shows them as Latin-1. Pure. */

const ASCII = /^[\x20-\x7e\t]*$/;
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\x00-\x08\x0a-\x1f\x7f]/g;
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A header's value as text; null when its bytes are not UTF-8. */
export function headerText(value: string): string | null {
  return ASCII.test(value) ? value : decodeUtf8(Buffer.from(value, "latin1"));
}

/** Text as Node wants a header's value: a character for each byte, and none that would end the line. */
export function toHeader(text: string): string {
  return ASCII.test(text) ? text : Buffer.from(text.replace(CONTROL, " "), "utf8").toString("latin1");
}

/** null: not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return strict.decode(bytes);
  } catch {
    return null;
  }
}

/** Percent-decodes; what is no escape stays as it is (as Python's unquote, which Swift uses). null: not UTF-8, or a NUL. */
export function unquote(raw: string): string | null {
  if (raw.indexOf("%") < 0 && ASCII.test(raw)) return raw;
  const bytes = Buffer.from(raw, "latin1");
  let to = 0;
  for (let at = 0; at < bytes.length; at += 1, to += 1) {
    const value = bytes[at] === 0x25 ? hexPair(bytes[at + 1], bytes[at + 2]) : -1;
    bytes[to] = value < 0 ? (bytes[at] ?? 0) : value;
    if (value >= 0) at += 2;
  }
  const text = decodeUtf8(bytes.subarray(0, to));
  return text === null || text.includes("\0") ? null : text;
}

/** Percent-encodes all but letters, digits, `_.-~` and what `safe` holds. */
export function quote(text: string, safe = "/"): string {
  const encoded = encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  let result = encoded;
  for (const character of safe) result = result.replaceAll(encodeURIComponent(character), character);
  return result;
}

const hexPair = (high: number | undefined, low: number | undefined): number => {
  const first = hexDigit(high);
  const second = hexDigit(low);
  return first < 0 || second < 0 ? -1 : first * 16 + second;
};

function hexDigit(code: number | undefined): number {
  if (code === undefined) return -1;
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

const TRUE = new Set(["true", "1", "yes", "on", "t", "y"]);
/** What Swift takes for yes. */
export const isTrue = (value: string | undefined): boolean => value !== undefined && TRUE.has(value.toLowerCase());

/** `x-object-meta-fruit` -> `X-Object-Meta-Fruit`: a letter after anything else is large. */
export function titleCase(name: string): string {
  let result = "";
  let inWord = false;
  for (const character of name) {
    const isLetter = /\p{L}/u.test(character);
    result += isLetter && !inWord ? character.toUpperCase() : character;
    inWord = isLetter;
  }
  return result;
}

const ESCAPES: { [character: string]: string } = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#x27;",
};
/** For HTML and for XML's attributes and text; characters that XML cannot hold are left out. */
export const escapeMarkup = (text: string): string =>
  // oxlint-disable-next-line no-control-regex
  text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? "").replace(/[\x00-\x08\x0b\x0c\x0e-\x1f]/g, "");

export type Query = { readonly [name: string]: string | undefined };

/** The last of equal names wins. null: something in it is not UTF-8. */
export function parseQuery(raw: string): Query | null {
  const query = Object.create(null) as { [name: string]: string };
  if (raw === "") return query;
  for (const pair of raw.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = unquote((equals < 0 ? pair : pair.slice(0, equals)).replaceAll("+", " "));
    const value = equals < 0 ? "" : unquote(pair.slice(equals + 1).replaceAll("+", " "));
    if (name === null || value === null) return null;
    query[name] = value;
  }
  return query;
}
