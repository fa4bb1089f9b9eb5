import { invalid } from "@andromede/base/errors";

import type { ApiRequest } from "../../../http/service.ts";
import { getVisibleImage } from "./image-access.ts";
import type { ImageFilters, Sort } from "./image-filters.ts";
import type { Image } from "./image.model.ts";
import { findVisibleImage } from "./image.queries.ts";
import { withChecksum } from "./late-checksum.ts";
import { listImages } from "./list-images.queries.ts";

type Request = Pick<ApiRequest, "app" | "actor" | "plane">;

export async function showImage(request: Request, id: string): Promise<Image> {
  return withChecksum(request.app, await getVisibleImage(request.app.db, request, id));
}

export async function readImages(
  request: Request,
  filters: ImageFilters,
  page: { sort: Sort; limit: number; marker: string | undefined },
): Promise<Image[]> {
  const { db } = request.app;
  const [images, marker] = await Promise.all([
    page.limit === 0 ? [] : listImages(db, request, filters, page),
    page.marker === undefined ? null : findVisibleImage(db, request, page.marker),
  ]);
  // a marker that is not there would look like the end of the list
  if (page.marker !== undefined && marker === null)
    throw invalid(`Marker ${page.marker} could not be found.`, { field: "marker" });
  return images;
}
