/** Glance v2, as far as we call it ourselves. Paths begin with /v2: the catalog names the service without it. */
import type { Readable } from "node:stream";

import type { Cloud } from "./client.ts";

export type Image = {
  id: string;
  name: string;
  status: string;
  visibility: string;
  size: number | null;
  os_hash_value?: string | null;
};
export type ImageRequest = {
  name: string;
  disk_format: string;
  container_format: string;
  visibility?: string;
  min_disk?: number;
  min_ram?: number;
  [property: string]: unknown;
};

/** Images of that name that the account may see. */
export async function findImages(cloud: Cloud, name: string): Promise<Image[]> {
  return (await cloud.call<{ images: Image[] }>("image", "GET", "/v2/images", { query: { name } })).images;
}

export async function createImage(cloud: Cloud, image: ImageRequest): Promise<Image> {
  return cloud.call<Image>("image", "POST", "/v2/images", { body: image });
}

export async function uploadImage(cloud: Cloud, id: string, bytes: Readable): Promise<void> {
  await cloud.call("image", "PUT", `/v2/images/${id}/file`, {
    raw: bytes,
    headers: { "content-type": "application/octet-stream" },
    timeoutMs: 600_000,
  });
}

export async function showImage(cloud: Cloud, id: string): Promise<Image> {
  return cloud.call<Image>("image", "GET", `/v2/images/${id}`);
}

export async function deleteImage(cloud: Cloud, id: string): Promise<void> {
  await cloud.call("image", "DELETE", `/v2/images/${id}`);
}
