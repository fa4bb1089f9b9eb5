/** What a request names: a bucket and a key, from its path or its host. Keys are never normalised. */
import { s3Error } from "./errors.ts";

export const MAX_KEY_BYTES = 1024;

export type Address = { bucket: string | null; key: string | null };

/** One percent-encoded piece of a path or query, as text. */
export function decodePiece(raw: string): string {
  if (!raw.includes("%")) return raw;
  try {
    return decodeURIComponent(raw);
  } catch (cause) {
    throw s3Error("InvalidURI", undefined, { cause });
  }
}

/** `hostBucket`: the bucket that the host says (virtual-host style), or null: the path begins with it. */
export function parseAddress(rawPath: string, hostBucket: string | null): Address {
  if (hostBucket !== null) return { bucket: hostBucket, key: toKey(rawPath.slice(1)) };
  const slash = rawPath.indexOf("/", 1);
  const bucket = decodePiece(slash < 0 ? rawPath.slice(1) : rawPath.slice(1, slash));
  if (bucket === "") return { bucket: null, key: null };
  // nothing can be stored under a name with a NUL, whatever front it came through
  if (bucket.includes("\0") || bucket.includes("/")) throw s3Error("InvalidBucketName");
  return { bucket, key: slash < 0 ? null : toKey(rawPath.slice(slash + 1)) };
}

function toKey(raw: string): string | null {
  if (raw === "") return null;
  const key = decodePiece(raw);
  checkKey(key);
  return key;
}

/** 1 to 1,024 bytes of UTF-8, anything but NUL, which PostgreSQL cannot keep. */
export function checkKey(key: string): void {
  if (key.length > MAX_KEY_BYTES || (key.length * 3 > MAX_KEY_BYTES && Buffer.byteLength(key) > MAX_KEY_BYTES))
    throw s3Error("KeyTooLongError");
  if (key.includes("\0")) throw s3Error("InvalidURI", "A key may not contain the character NUL");
}
