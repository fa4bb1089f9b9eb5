/** Nova's older door to images: read, deleted and labelled there until 2.35 (their metadata until 2.38). */
import { invalid, notFound } from "@andromede/base/errors";

import { nextPageQuery, readPaging } from "../../../http/paging.ts";
import { type ApiRequest, type Reply, noContent, ok } from "../../../http/service.ts";
import { nextLink } from "../common/wire.ts";
import type { MetadataBody, MetadataItemBody } from "../servers/server.schema.ts";
import { toImageEntry, toImageView } from "./image.view.ts";
import { changeImageMetadata, listProxiedImages, readProxiedImage, removeProxiedImage } from "./proxy-images.ts";

const idOf = (request: Pick<ApiRequest, "params">): string => request.params["image_id"] ?? "";
const keyOf = (request: Pick<ApiRequest, "params">): string => request.params["key"] ?? "";

const list =
  (path: string, view: typeof toImageView) =>
  async (request: ApiRequest): Promise<Reply> => {
    const { limit, marker } = readPaging(request.query, { maxLimit: 1000 });
    const images = await listProxiedImages(request, { limit, marker });
    const last = images.at(-1);
    return ok({
      images: images.map((image) => view(request, image)),
      ...(last !== undefined && images.length === limit
        ? { images_links: nextLink(request, path, nextPageQuery(request.query, last.id)) }
        : {}),
    });
  };
export const listImageEntries = list("images", toImageEntry);
export const listImageDetails = list("images/detail", toImageView);

export const showImage = async (request: ApiRequest): Promise<Reply> =>
  ok({ image: toImageView(request, await readProxiedImage(request, idOf(request))) });

export async function deleteImageHandler(request: ApiRequest): Promise<Reply> {
  await removeProxiedImage(request, idOf(request));
  return noContent();
}

export const listImageMetadata = async (request: ApiRequest): Promise<Reply> =>
  ok({ metadata: (await readProxiedImage(request, idOf(request))).properties });

export async function showImageMetadata(request: ApiRequest): Promise<Reply> {
  const { properties } = await readProxiedImage(request, idOf(request));
  const key = keyOf(request);
  if (!Object.hasOwn(properties, key)) throw notFound("The resource could not be found.");
  return ok({ meta: { [key]: properties[key] } });
}

/** POST merges, PUT replaces. */
export const postImageMetadata = async (request: ApiRequest<MetadataBody>): Promise<Reply> =>
  ok({
    metadata: await changeImageMetadata(request, idOf(request), (now) => ({ ...now, ...request.body.metadata })),
  });

export const putImageMetadata = async (request: ApiRequest<MetadataBody>): Promise<Reply> =>
  ok({ metadata: await changeImageMetadata(request, idOf(request), () => request.body.metadata) });

export async function putImageMetadataItem(request: ApiRequest<MetadataItemBody>): Promise<Reply> {
  const key = keyOf(request);
  const value = Object.hasOwn(request.body.meta, key) ? request.body.meta[key] : undefined;
  if (value === undefined) throw invalid("Request body and URI mismatch");
  await changeImageMetadata(request, idOf(request), (now) => ({ ...now, [key]: value }));
  return ok({ meta: { [key]: value } });
}

export async function deleteImageMetadataItem(request: ApiRequest): Promise<Reply> {
  const key = keyOf(request);
  await changeImageMetadata(request, idOf(request), (now) => {
    if (!Object.hasOwn(now, key)) throw notFound("Invalid metadata key");
    const { [key]: _gone, ...rest } = now;
    return rest;
  });
  return noContent();
}
