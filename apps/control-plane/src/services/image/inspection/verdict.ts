/**
 * What becomes of an upload, from what it was declared as and what its first bytes say. Pure.
 *
 * Only what can do harm is refused: a qcow2 that points at other files of the host (CVE-2024-32498), and a disk
 * declared raw whose first bytes make a careless reader take it for a format that can. Contents that are merely not
 * what was declared are kept, for an image service stores what it is given, but no server boots from them.
 */
import type { Sniffed } from "./sniff.ts";

export type Verdict =
  | { kind: "refused"; reason: string }
  /** Kept; `unbootable` says why no server can be made from it. */
  | { kind: "kept"; virtualSizeBytes: number | null; unbootable: string | null }
  /** qemu-img must have its say. */
  | { kind: "examine" };

export function judge(
  diskFormat: string | null,
  sniffed: Sniffed,
  limits: { sizeBytes: number; maxVirtualBytes: number },
): Verdict {
  switch (diskFormat) {
    case "raw":
      if (sniffed.kind !== "unknown") {
        return {
          kind: "refused",
          reason: `Image content does not match disk format raw: its contents are ${sniffed.kind}`,
        };
      }
      return { kind: "kept", virtualSizeBytes: limits.sizeBytes, unbootable: null };
    case "qcow2":
      if (sniffed.kind !== "qcow2") {
        return {
          kind: "kept",
          virtualSizeBytes: null,
          unbootable: "its contents are not the qcow2 disk that it was declared to be",
        };
      }
      return judgeQcow2(sniffed.header, limits.maxVirtualBytes);
    case "iso":
    case "ami":
      return { kind: "kept", virtualSizeBytes: limits.sizeBytes, unbootable: null };
    case null:
    default:
      // never opened by QEMU here: see bootFormat in image.model.ts
      return { kind: "kept", virtualSizeBytes: null, unbootable: null };
  }
}

function judgeQcow2(header: (Sniffed & { kind: "qcow2" })["header"], maxVirtualBytes: number): Verdict {
  const refused = (reason: string): Verdict => ({ kind: "refused", reason });
  if (header.hasBackingFile) return refused("The qcow2 image has a backing file, which is not allowed");
  if (header.hasExternalData) return refused("The qcow2 image has an external data file, which is not allowed");
  if (header.isEncrypted) return refused("The qcow2 image is encrypted, which is not supported");
  if ((header.version !== 2 && header.version !== 3) || header.hasUnknownFeatures)
    return refused("The qcow2 image uses features that are not supported");
  if (header.isCorrupt) return refused("The qcow2 image is marked corrupt");
  if (header.virtualSizeBytes > maxVirtualBytes)
    return refused(virtualSizeReason(header.virtualSizeBytes, maxVirtualBytes));
  return { kind: "examine" };
}

const virtualSizeReason = (bytes: number, most: number): string =>
  `The image's virtual size of ${bytes} bytes exceeds the limit of ${most} bytes`;

/** `qemu-img info --output=json`: the members that matter. */
export type QemuInfo = {
  format?: unknown;
  "virtual-size"?: unknown;
  "backing-filename"?: unknown;
  "full-backing-filename"?: unknown;
  encrypted?: unknown;
  "format-specific"?: { data?: { "data-file"?: unknown; corrupt?: unknown; encrypt?: unknown } };
};

/** The same questions again, asked of QEMU's own reader: a header that fools ours must fool both. */
export function judgeQemuInfo(info: QemuInfo, maxVirtualBytes: number): Verdict {
  const data = info["format-specific"]?.data;
  const size = info["virtual-size"];
  const refused = (reason: string): Verdict => ({ kind: "refused", reason });
  if (info.format !== "qcow2" || typeof size !== "number") return refused("The qcow2 image cannot be read");
  if (info["backing-filename"] !== undefined || info["full-backing-filename"] !== undefined) {
    return refused("The qcow2 image has a backing file, which is not allowed");
  }
  if (data?.["data-file"] !== undefined)
    return refused("The qcow2 image has an external data file, which is not allowed");
  if (info.encrypted === true || data?.encrypt !== undefined)
    return refused("The qcow2 image is encrypted, which is not supported");
  if (data?.corrupt === true) return refused("The qcow2 image is marked corrupt");
  if (size > maxVirtualBytes) return refused(virtualSizeReason(size, maxVirtualBytes));
  return { kind: "kept", virtualSizeBytes: size, unbootable: null };
}
