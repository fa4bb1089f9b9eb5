/** What image bytes are called, wherever they are. Pure. */
import { tooLarge } from "@andromede/base/errors";

/** The bytes of one upload. */
export type ImageBytes = { imageId: string; uploadId: string };

export const bytesName = ({ imageId, uploadId }: ImageBytes): string => `${imageId}.${uploadId}`;

/** null: a name of something else. */
export function readBytesName(name: string): ImageBytes | null {
  const match = /^([0-9a-f-]{36})\.([0-9a-f]{16})$/.exec(name);
  return match?.[1] === undefined || match[2] === undefined ? null : { imageId: match[1], uploadId: match[2] };
}

/** Each once. */
export const toBytes = (names: Iterable<string>): ImageBytes[] =>
  [...new Set(names)].flatMap((name) => readBytesName(name) ?? []);

export const storageFull = (cause?: unknown) =>
  tooLarge("Image storage media is full: there is not enough disk space on the image storage media.", { cause });
