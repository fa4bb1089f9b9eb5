/** The images are the image service's, with its rules and its events; Nova's words for them are here. */
import { CloudError, forbidden, notFound } from "@andromede/base/errors";

import { parseQuery } from "../../../http/query.ts";
import type { ApiRequest } from "../../../http/service.ts";
import {
  type ProxiedImage,
  changeImageProperties,
  deleteImage,
  readImageFilters,
  readImages,
  readVisibleImage,
} from "../../image/public.ts";
import { findUsage } from "../quotas/project.queries.ts";
import { quotaOf } from "../quotas/quota.model.ts";

/** Nova's filters -> the image service's. */
const FILTERS: { readonly [name: string]: string } = {
  name: "name",
  status: "status",
  server: "instance_uuid",
  type: "image_type",
  minRam: "min_ram",
  minDisk: "min_disk",
};

export async function readProxiedImage(request: ApiRequest, id: string): Promise<ProxiedImage> {
  const image = await readVisibleImage(request.app.db, request, id);
  if (image === null) throw notFound("Image not found.");
  return image;
}

export function listProxiedImages(
  request: ApiRequest,
  page: { limit: number; marker: string | undefined },
): Promise<ProxiedImage[]> {
  const sort = [
    { key: "created_at" as const, descending: true },
    { key: "id" as const, descending: true },
  ];
  return readImages(request, readImageFilters(parseQuery(toImageQuery(request))), { sort, ...page });
}

function toImageQuery({ query }: ApiRequest): string {
  const wanted = new URLSearchParams();
  for (const name of query.names()) {
    const value = query.get(name) ?? "";
    const theirs = Object.hasOwn(FILTERS, name)
      ? FILTERS[name]
      : name.startsWith("property-")
        ? name.slice(9)
        : undefined;
    if (name === "changes-since") wanted.set("updated_at", `gte:${value}`);
    else if (name === "status") wanted.set("status", toStatus(value));
    else if (name === "server") wanted.set("instance_uuid", value.slice(value.lastIndexOf("/") + 1));
    else if (theirs !== undefined) wanted.set(theirs, value);
  }
  return wanted.toString();
}

const toStatus = (status: string): string =>
  status.toLowerCase() === "saving" ? "in:queued,saving" : status.toLowerCase();

export async function removeProxiedImage(request: ApiRequest, id: string): Promise<void> {
  await inNovasWords(deleteImage(request, id), "You are not allowed to delete the image.");
}

type Metadata = { [key: string]: string };

/** `change` sees the properties as they are under the lock and says what they become. */
export async function changeImageMetadata(
  request: ApiRequest,
  id: string,
  change: (current: Metadata) => Metadata,
): Promise<Metadata> {
  const { quota } = await findUsage(request.app.db, request.actor.projectId ?? "");
  const limit = quotaOf(quota).metadata_items;
  const changed = changeImageProperties(request, id, (current) => {
    const after = change(current);
    if (limit >= 0 && Object.keys(after).length > limit) throw forbidden("Image metadata limit exceeded");
    return after;
  });
  return inNovasWords(changed, "You are not allowed to change the image.");
}

async function inNovasWords<T>(work: Promise<T>, notAllowed: string): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (cause instanceof CloudError && cause.kind === "notFound" && cause.message.startsWith("No image found")) {
      throw notFound("Image not found.", { cause });
    }
    if (cause instanceof CloudError && cause.message.startsWith("You are not authorized")) {
      throw forbidden(notAllowed, { cause });
    }
    throw cause;
  }
}
