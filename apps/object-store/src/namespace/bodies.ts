/** Bodies on their way to the byte store and back. */
import type { Readable } from "node:stream";

import { invalid, tooLarge } from "@andromede/base/errors";

import { type ByteStore, type Digests, PACKED_BYTES, type WriteOptions, type Written } from "../bytes/byte-store.ts";
import { isRolledBack } from "./transact.ts";

/** Reads and keeps a body. A small one is held whole: it costs less than a stream. */
export async function writeBody(bytes: ByteStore, body: Readable, options: WriteOptions): Promise<Written> {
  const { size, maxBytes, mayPack } = options;
  if (size !== null && size > maxBytes) throw tooLarge("Your proposed upload exceeds the maximum allowed size", { type: "EntityTooLarge" });
  if (!mayPack || size === null || size > PACKED_BYTES) return bytes.write(body, options);
  return bytes.writeSmall(await collect(body, size), options);
}

async function collect(body: Readable, size: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of body) {
    parts.push(part as Buffer);
    length += (part as Buffer).length;
    if (length > size) break;
  }
  if (length !== size)
    throw invalid("You did not provide the number of bytes specified by the Content-Length HTTP header", {
      type: "IncompleteBody",
    });
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts, length);
}

/** The body's check may change what is known of it. */
export type Checked<Details> = { etag: string; details: Details };
type Check<Details> = ((written: { size: number; digests: Digests }) => { etag?: string; details?: Details } | void) | undefined;

export function checkBody<Details>(written: Written, check: Check<Details>, details: Details): Checked<Details> {
  const found = check?.({ size: written.size, digests: written.digests }) ?? {};
  return { etag: found.etag ?? written.digests.md5 ?? "", details: found.details ?? details };
}

/** Commits what was written, and tells the byte store what came of it. */
export async function settling<T>(written: Written, commit: () => Promise<T>): Promise<T> {
  let value: T;
  try {
    value = await commit();
  } catch (error) {
    // who does not know whether the commit came through must not have the bytes removed: they are the collector's, who can see
    await written.settle(!isRolledBack(error));
    throw error;
  }
  await written.settle(true);
  return value;
}

/** Which writers' bytes a commit stands on: the one that was at work when the body came, and those the chunks name. */
export const writersOf = (before: number, written: Written): number[] => [
  ...new Set(
    written.placement.kind === "chunked" ? written.placement.chunks.map(({ writerId }) => writerId) : [before],
  ),
];
