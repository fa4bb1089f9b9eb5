/** What this image service is and can do (Image API v2: "API versions", "Image Schemas", "Image Service Info (Discovery)"). */
import { conflict, forbidden, notFound } from "@andromede/base/errors";

import { type ApiRequest, type Reply, ok } from "../../../http/service.ts";
import { imageId } from "../images/image.handlers.ts";
import { importMethods } from "../imports/import-methods.ts";
import { readUsage } from "../images/read-usage.ts";
import { showImage } from "../images/read-images.ts";
import { STORE } from "../store/stores.ts";
import {
  imageDocument,
  imagesDocument,
  memberDocument,
  membersDocument,
  taskDocument,
  tasksDocument,
} from "../images/image.schema.ts";

/** As Glance says it with one store that has a name and without a cache. */
const VERSIONS = [
  "2.17",
  "2.15",
  "2.13",
  "2.12",
  "2.11",
  "2.10",
  "2.9",
  "2.8",
  "2.7",
  "2.6",
  "2.5",
  "2.4",
  "2.3",
  "2.2",
  "2.1",
  "2.0",
];

export function versions(request: ApiRequest): Reply {
  const links = [{ rel: "self", href: `${request.baseUrl}/image/v2/` }];
  return {
    status: 300,
    body: {
      versions: VERSIONS.map((version, index) => ({
        id: `v${version}`,
        status: index === 0 ? "CURRENT" : "SUPPORTED",
        links,
      })),
    },
  };
}

export const importInfo = ({ app }: ApiRequest): Reply =>
  ok({
    "import-methods": {
      description: "Import methods available.",
      type: "array",
      value: importMethods(app.config),
    },
  });

export const storesInfo = (): Reply => ok({ stores: [STORE] });
export const storesDetail = ({ app }: ApiRequest): Reply =>
  ok({ stores: [{ ...STORE, type: app.imageStore.type, properties: {} }] });

/** The bytes are in one place: who takes them from there takes the image. */
export async function deleteFromStore(request: ApiRequest): Promise<Reply> {
  const store = request.params["store_id"] ?? "";
  if (store !== STORE.id) throw notFound(`The selected store ${store} is not available on this node.`);
  const image = await showImage(request, imageId(request));
  if (image.status !== "active") throw conflict(`Image ${image.id} has no data in ${store}.`);
  throw forbidden("Cannot delete image data from the only store containing it. Consider deleting the image instead.");
}

/** What is worth bringing nearer the service brings by itself. Glance's own answer where there is no such API. */
export function noCache(): Reply {
  throw notFound("Caching via API is not supported at this site.");
}

const MIB = 1024 * 1024;

export async function usage(request: ApiRequest): Promise<Reply> {
  const used = await readUsage(request);
  return ok({
    usage: {
      image_size_total: { limit: Math.floor(used.maxBytes / MIB), usage: Math.ceil(used.bytes / MIB) },
      image_stage_total: { limit: Math.floor(used.maxBytes / MIB), usage: Math.ceil(used.stagedBytes / MIB) },
      image_count_total: { limit: -1, usage: used.images },
      image_count_uploading: { limit: -1, usage: used.uploading },
    },
  });
}

export const taskSchema = (): Reply => ok(taskDocument);
export const tasksSchema = (): Reply => ok(tasksDocument);
export const imageSchema = (): Reply => ok(imageDocument);
export const imagesSchema = (): Reply => ok(imagesDocument);
export const memberSchema = (): Reply => ok(memberDocument);
export const membersSchema = (): Reply => ok(membersDocument);
