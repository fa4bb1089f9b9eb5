/** What an image still needs, given what it is. Pure. */
import type { ImageStatus } from "./image.model.ts";

export type ImageStep =
  | { step: "nothing" }
  /** Somebody is uploading, or has died: known once the lease has run out. */
  | { step: "wait"; ms: number }
  | { step: "undo-upload"; uploadId: string }
  /** Right after an upload its bytes are read a lot. */
  | { step: "hash-later"; ms: number }
  | { step: "hash"; uploadId: string }
  | { step: "remove"; uploadId: string | null };

const HASH_AFTER_MS = 5_000;

export type PlannedImage = {
  status: ImageStatus;
  uploadId: string | null;
  checksum: string | null;
  uploadLapsed: boolean;
  lapsesInMs: number;
  /** Since it last changed. */
  ageMs: number;
};

export function planImage(image: PlannedImage | null): ImageStep {
  if (image === null) return { step: "nothing" };
  switch (image.status) {
    case "queued":
      return { step: "nothing" };
    // a task is on it
    case "importing":
      return { step: "nothing" };
    case "saving":
    case "uploading":
      if (image.uploadId === null) return { step: "nothing" };
      return image.uploadLapsed
        ? { step: "undo-upload", uploadId: image.uploadId }
        : { step: "wait", ms: image.lapsesInMs + 100 };
    case "active":
    case "deactivated":
      if (image.checksum !== null || image.uploadId === null) return { step: "nothing" };
      return image.ageMs < HASH_AFTER_MS
        ? { step: "hash-later", ms: HASH_AFTER_MS - image.ageMs }
        : { step: "hash", uploadId: image.uploadId };
    case "deleting":
      return { step: "remove", uploadId: image.uploadId };
  }
}
