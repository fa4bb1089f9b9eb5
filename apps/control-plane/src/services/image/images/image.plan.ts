/** What an image still needs, given what it is. Pure. */
import type { ImageStatus } from "./image.model.ts";

export type ImageStep =
  | { step: "nothing" }
  /** Somebody is uploading, or has died: known once the lease has run out. */
  | { step: "wait"; ms: number }
  | { step: "undo-upload"; uploadId: string }
  | { step: "hash"; uploadId: string }
  | { step: "remove"; uploadId: string | null };

export function planImage(
  image: { status: ImageStatus; uploadId: string | null; checksum: string | null; uploadLapsed: boolean; lapsesInMs: number } | null,
): ImageStep {
  if (image === null) return { step: "nothing" };
  switch (image.status) {
    case "queued":
      return { step: "nothing" };
    case "saving":
      if (image.uploadId === null) return { step: "nothing" };
      return image.uploadLapsed ? { step: "undo-upload", uploadId: image.uploadId } : { step: "wait", ms: image.lapsesInMs + 100 };
    case "active":
    case "deactivated":
      return image.checksum === null && image.uploadId !== null ? { step: "hash", uploadId: image.uploadId } : { step: "nothing" };
    case "deleting":
      return { step: "remove", uploadId: image.uploadId };
  }
}
