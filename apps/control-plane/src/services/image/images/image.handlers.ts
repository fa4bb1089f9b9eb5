import { invalid, notFound } from "@andromede/base/errors";

import { nextPageQuery, readPaging } from "../../../http/paging.ts";
import { type ApiRequest, type Query, type Reply, created, noContent, ok } from "../../../http/service.ts";
import { importMethods } from "../imports/import-methods.ts";
import { STORE } from "../store/stores.ts";
import { changeStatus } from "./change-status.ts";
import { createImage } from "./create-image.ts";
import { deleteImage } from "./delete-image.ts";
import { readFilters, readImageSort } from "./image-filters.ts";
import { readDialect, readPatch } from "./image-patch.ts";
import { readNewImage } from "./image-properties.ts";
import { toImageView, toImagesView } from "./image.view.ts";
import { readImages, showImage } from "./read-images.ts";
import { addTag, patchImage, removeTag } from "./update-image.ts";

type Body = { [name: string]: unknown };

/** Glance's limit_param_default and api_limit_max. */
const PAGE = { usual: 25, most: 1000 };

export const imageId = (request: Pick<ApiRequest, "params">): string => {
  const id = (request.params["image_id"] ?? "").toLowerCase();
  if (id === "") throw notFound("No image found with ID ");
  return id;
};

export async function create(request: ApiRequest<Body>): Promise<Reply> {
  const image = await createImage(request, readNewImage(request.body, request.actor.projectId));
  return created(toImageView(image), {
    location: `${request.baseUrl}/image/v2/images/${image.id}`,
    "openstack-image-import-methods": importMethods(request.app.config).join(","),
    "openstack-image-store-ids": STORE.id,
  });
}

export async function show(request: ApiRequest): Promise<Reply> {
  return ok(toImageView(await showImage(request, imageId(request))));
}

export async function list(request: ApiRequest): Promise<Reply> {
  const { query } = request;
  const { limit, marker } = readPaging(query, { maxLimit: PAGE.most });
  const size = query.has("limit") ? limit : PAGE.usual;
  const images = await readImages(request, readFilters(query), { sort: readImageSort(query), limit: size, marker });
  const last = images.at(-1);
  const more = last !== undefined && images.length === size;
  return ok(toImagesView(images, { first: firstPageQuery(query), next: more ? nextPageQuery(query, last.id) : null }));
}

function firstPageQuery(query: Query): string {
  const kept = new URLSearchParams(query.raw);
  kept.delete("marker");
  return kept.toString();
}

export async function update(request: ApiRequest<Body[]>): Promise<Reply> {
  const dialect = readDialect(request.headers["content-type"]);
  return ok(toImageView(await patchImage(request, imageId(request), dialect, readPatch(dialect, request.body))));
}

export async function remove(request: ApiRequest): Promise<Reply> {
  await deleteImage(request, imageId(request));
  return noContent();
}

export async function deactivate(request: ApiRequest): Promise<Reply> {
  await changeStatus(request, imageId(request), "deactivate");
  return noContent();
}

export async function reactivate(request: ApiRequest): Promise<Reply> {
  await changeStatus(request, imageId(request), "reactivate");
  return noContent();
}

const tagOf = (request: ApiRequest): string => {
  const tag = request.params["tag"] ?? "";
  if (tag.length > 255) throw invalid(`Invalid input for field/attribute tags: '${tag.slice(0, 64)}...' is too long`);
  return tag;
};

export async function putTag(request: ApiRequest): Promise<Reply> {
  await addTag(request, imageId(request), tagOf(request));
  return noContent();
}

export async function deleteTag(request: ApiRequest): Promise<Reply> {
  await removeTag(request, imageId(request), tagOf(request));
  return noContent();
}
