/** Signed URLs: what is signed, with what, until when. Pure but for the hashing, which is handed in. */
import type { Query } from "../wire/text.ts";

export type DigestName = "sha1" | "sha256" | "sha512";
/** SHA-1 is understood, and refused: Swift's own default since 2022. */
export const ALLOWED_DIGESTS: readonly DigestName[] = ["sha256", "sha512"];
const BY_LENGTH: { readonly [length: number]: DigestName } = { 40: "sha1", 64: "sha256", 128: "sha512" };

export type TempUrl = {
  signature: string;
  /** Seconds; 0: over, or no time at all. */
  expires: number;
  prefix: string | null;
  ipRange: string | null;
  filename: string | null;
  isInline: boolean;
};

/** null: the URL is not signed at all. */
export function readTempUrl(query: Query, nowMs: number): TempUrl | null {
  const signature = query["temp_url_sig"];
  const expires = query["temp_url_expires"];
  if (signature === undefined && expires === undefined) return null;
  return {
    signature: signature ?? "",
    expires: readExpires(expires ?? "", nowMs),
    prefix: query["temp_url_prefix"] ?? null,
    ipRange: query["temp_url_ip_range"] || null,
    filename: query["filename"] || null,
    isInline: query["inline"] !== undefined,
  };
}

/** Seconds since 1970, or a time as `2026-01-31T12:00:00Z`. */
function readExpires(text: string, nowMs: number): number {
  const seconds = /^\s*\d+\s*$/.test(text)
    ? Number(text)
    : /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text)
      ? Date.parse(text) / 1000
      : 0;
  return Number.isSafeInteger(seconds) && seconds * 1000 >= nowMs ? seconds : 0;
}

/** Hex, or `algorithm:base64`. null: neither. */
export function readSignature(text: string): { digest: DigestName; hex: string } | null {
  const colon = text.indexOf(":");
  if (colon < 0) {
    const digest = /^[0-9a-f]+$/i.test(text) ? BY_LENGTH[text.length] : undefined;
    return digest === undefined ? null : { digest, hex: text.toLowerCase() };
  }
  const name = text.slice(0, colon);
  const encoded = text.slice(colon + 1);
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(encoded)) return null;
  const hex = Buffer.from(encoded, "base64").toString("hex");
  const digest = BY_LENGTH[hex.length];
  return digest === undefined || digest !== name ? null : { digest, hex };
}

/** What the key signs. `path` is decoded; with a prefix it ends in that. */
export function signedText(method: string, url: TempUrl, path: string): string {
  const subject = url.prefix === null ? path : `prefix:${path}`;
  const text = `${method}\n${url.expires}\n${subject}`;
  return url.ipRange === null ? text : `ip=${url.ipRange}\n${text}`;
}

/** Who may do something may look at it too. */
export const signedMethods = (method: string): string[] =>
  method === "HEAD" ? ["HEAD", "GET", "POST", "PUT"] : [method];

export const SIGNABLE = new Set(["GET", "HEAD", "PUT", "POST", "DELETE"]);
/** With these a PUT would reach beyond what the URL is for. */
export const FORBIDDEN_HEADERS = ["x-object-manifest", "x-symlink-target"] as const;
