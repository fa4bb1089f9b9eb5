/** Image -> wire: flat, the customer's own properties among ours (Image API v2, "Show image"). Pure. */
import { STORE } from "../store/stores.ts";
import type { Image } from "./image.model.ts";

/** Glance's dates have no fraction. */
export const toTime = (date: Date): string => `${date.toISOString().slice(0, 19)}Z`;

export type ImageView = { [name: string]: unknown };

export function toImageView(image: Image): ImageView {
  return {
    ...image.properties,
    name: image.name,
    disk_format: image.diskFormat,
    container_format: image.containerFormat,
    visibility: image.visibility,
    size: image.sizeBytes,
    virtual_size: image.virtualSizeBytes,
    status: image.status,
    checksum: image.checksum,
    protected: image.protected,
    min_ram: image.minRam,
    min_disk: image.minDisk,
    owner: image.projectId,
    os_hidden: image.osHidden,
    os_hash_algo: image.sha512 === null ? null : "sha512",
    os_hash_value: image.sha512,
    id: image.id,
    created_at: toTime(image.createdAt),
    updated_at: toTime(image.updatedAt),
    tags: image.tags,
    self: `/v2/images/${image.id}`,
    file: `/v2/images/${image.id}/file`,
    schema: "/v2/schemas/image",
    ...(image.status === "active" || image.status === "deactivated" ? { stores: STORE.id } : {}),
  };
}

/** One page; `next` is the query of the following one, when there may be one. */
export function toImagesView(
  images: Image[],
  pages: { first: string; next: string | null },
): { [name: string]: unknown } {
  return {
    images: images.map(toImageView),
    first: pages.first === "" ? "/v2/images" : `/v2/images?${pages.first}`,
    schema: "/v2/schemas/images",
    ...(pages.next === null ? {} : { next: `/v2/images?${pages.next}` }),
  };
}
