/** What an image is. Pure. */
import type { JsonObject } from "@andromede/base/json";

export type ImageVisibility = "public" | "private" | "shared" | "community";
export type ImageStatus = "queued" | "saving" | "uploading" | "importing" | "active" | "deactivated" | "deleting";

export type Image = {
  id: string;
  name: string | null;
  projectId: string | null;
  visibility: ImageVisibility;
  status: ImageStatus;
  diskFormat: string | null;
  containerFormat: string | null;
  minDisk: number;
  minRam: number;
  protected: boolean;
  osHidden: boolean;
  tags: string[];
  properties: { [name: string]: string };
  sizeBytes: number | null;
  virtualSizeBytes: number | null;
  checksum: string | null;
  sha512: string | null;
  unbootable: string | null;
  uploadId: string | null;
  createdAt: Date;
  updatedAt: Date;
};

/** Glance's lists (`[image_format] disk_formats, container_formats`), as its schema shows them. */
export const DISK_FORMATS = [
  "ami",
  "ari",
  "aki",
  "vhd",
  "vhdx",
  "vmdk",
  "raw",
  "qcow2",
  "vdi",
  "ploop",
  "iso",
] as const;
export const CONTAINER_FORMATS = ["ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed"] as const;

/** What QEMU is told the bytes are: never what they look like. */
export type BootFormat = "qcow2" | "raw";

/** An image that a server may be made from. */
export type BootImage = {
  id: string;
  name: string | null;
  /** Names the bytes: see `imageFile` in public.ts. */
  uploadId: string;
  /** Of the stored bytes: who uses them checks it. */
  sha512: string;
  format: BootFormat;
  sizeBytes: number;
  /** Size of the disk inside: a flavor's disk must hold it. */
  virtualSizeBytes: number;
  /** GiB. */
  minDisk: number;
  /** MiB. */
  minRam: number;
  projectId: string | null;
  visibility: ImageVisibility;
  properties: JsonObject;
};

/** Why a server cannot be made from an image, in public words; null when it can. */
export function reasonNotBootable(image: Image): string | null {
  if (image.status !== "active") return `Image ${image.id} is not active.`;
  if (image.unbootable !== null) return `Image ${image.id} is unacceptable: ${image.unbootable}`;
  if (bootFormat(image) === null) {
    return `Image ${image.id} is unacceptable: disk format ${image.diskFormat ?? "none"} in container ${image.containerFormat ?? "none"} cannot be booted`;
  }
  return null;
}

/** What QEMU is told an image is; null when it is nothing QEMU should open. */
export function bootFormat(image: Pick<Image, "diskFormat" | "containerFormat">): BootFormat | null {
  const { diskFormat, containerFormat } = image;
  if (containerFormat !== "bare" && !(containerFormat === "ami" && diskFormat === "ami")) return null;
  switch (diskFormat) {
    case "qcow2":
      return "qcow2";
    case "raw":
    case "iso":
    case "ami":
      return "raw";
    case null:
    default:
      return null;
  }
}
