/** A tar header (POSIX.1-2001 "ustar" and what GNU makes of it). Pure. */

export type TarHeader = {
  name: string;
  size: number;
  kind: "file" | "other" | "pax" | "global-pax" | "long-name" | "long-link";
};

const KINDS: { readonly [type: string]: TarHeader["kind"] } = {
  "0": "file",
  "\0": "file",
  "7": "file",
  x: "pax",
  g: "global-pax",
  L: "long-name",
  K: "long-link",
};

export function parseTarHeader(block: Buffer): TarHeader | "end" | "broken" {
  if (block.every((byte) => byte === 0)) return "end";
  if (!isSumRight(block)) return "broken";
  const size = parseNumber(block.subarray(124, 136));
  if (size === null) return "broken";
  const type = String.fromCharCode(block[156] ?? 0);
  const isUstar = block.toString("latin1", 257, 262) === "ustar" && block[262] === 0;
  const prefix = isUstar ? textIn(block.subarray(345, 500)) : "";
  const name = (prefix === "" ? "" : `${prefix}/`) + textIn(block.subarray(0, 100));
  const kind = KINDS[type] ?? "other";
  // before there was a type for them, directories were files whose names end in a slash
  const isDirectory = kind === "file" && name.endsWith("/");
  // links and devices have a size at times, never a body
  return { name, size: kind === "other" ? bodySize(type, size) : size, kind: isDirectory ? "other" : kind };
}

const bodySize = (type: string, size: number): number => ("123456".includes(type) ? 0 : size);

function textIn(field: Buffer): string {
  const end = field.indexOf(0);
  return field.toString("utf8", 0, end < 0 ? field.length : end);
}

/** Octal digits, or (GNU) a number in base 256. */
function parseNumber(field: Buffer): number | null {
  const first = field[0] ?? 0;
  if (first === 0x80) {
    const value = field.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0);
    return Number.isSafeInteger(value) ? value : null;
  }
  const text = textIn(field).trim();
  if (text === "") return 0;
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : null;
}

function isSumRight(block: Buffer): boolean {
  const said = parseNumber(block.subarray(148, 156));
  let sum = 8 * 0x20;
  for (const [index, byte] of block.entries()) if (index < 148 || index >= 156) sum += byte;
  return said === sum;
}

/** `length key=value` lines; the length counts the line, its own digits too. */
export function parsePax(content: Buffer): { [key: string]: string } {
  const pax: { [key: string]: string } = {};
  let at = 0;
  while (at < content.length) {
    const blank = content.indexOf(0x20, at);
    const length = blank < 0 ? Number.NaN : Number(content.toString("latin1", at, blank));
    if (!Number.isSafeInteger(length) || length <= 0 || at + length > content.length) return pax;
    const line = content.toString("utf8", blank + 1, at + length - 1);
    const equals = line.indexOf("=");
    if (equals > 0) pax[line.slice(0, equals)] = line.slice(equals + 1);
    at += length;
  }
  return pax;
}

/** Attributes that Swift takes for metadata. */
export function paxMetadata(pax: { [key: string]: string }): {
  contentType?: string;
  metadata: { [name: string]: string };
} {
  const metadata: { [name: string]: string } = {};
  let contentType: string | undefined;
  for (const [key, value] of Object.entries(pax)) {
    const [, name = ""] = /^(?:SCHILY|LIBARCHIVE)\.xattr\.user\.(.+)$/.exec(key) ?? [];
    if (name === "mime_type") contentType = value;
    else if (name.startsWith("meta.") && name.length > 5) metadata[name.slice(5).toLowerCase()] = value;
  }
  return contentType === undefined ? { metadata } : { contentType, metadata };
}
