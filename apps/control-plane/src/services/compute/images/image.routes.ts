import { route } from "../../../http/service.ts";
import { metadataBody, metadataItemBody } from "../servers/server.schema.ts";
import {
  deleteImageHandler,
  deleteImageMetadataItem,
  listImageDetails,
  listImageEntries,
  listImageMetadata,
  postImageMetadata,
  putImageMetadata,
  putImageMetadataItem,
  showImage,
  showImageMetadata,
} from "./image.handlers.ts";

const IMAGES = "/v2.1/images";
const IMAGE = `${IMAGES}/:image_id`;
const METADATA = `${IMAGE}/metadata`;
/** Microversion 2.36 took Nova's doors to other services away, 2.39 the one to images' metadata. */
const until = 35;
const untilMetadata = 38;
const read = "os_compute_api:images";
const change = "os_compute_api:images:change";

export const imageRoutes = [
  route({ method: "GET", path: IMAGES, until, rule: read, handler: listImageEntries }),
  route({ method: "GET", path: `${IMAGES}/detail`, until, rule: read, handler: listImageDetails }),
  route({ method: "GET", path: IMAGE, until, rule: read, handler: showImage }),
  route({ method: "DELETE", path: IMAGE, until, rule: change, handler: deleteImageHandler }),
  route({ method: "GET", path: METADATA, until: untilMetadata, rule: read, handler: listImageMetadata }),
  route({
    method: "POST",
    path: METADATA,
    until: untilMetadata,
    rule: change,
    body: metadataBody,
    handler: postImageMetadata,
  }),
  route({
    method: "PUT",
    path: METADATA,
    until: untilMetadata,
    rule: change,
    body: metadataBody,
    handler: putImageMetadata,
  }),
  route({ method: "GET", path: `${METADATA}/:key`, until: untilMetadata, rule: read, handler: showImageMetadata }),
  route({
    method: "PUT",
    path: `${METADATA}/:key`,
    until: untilMetadata,
    rule: change,
    body: metadataItemBody,
    handler: putImageMetadataItem,
  }),
  route({
    method: "DELETE",
    path: `${METADATA}/:key`,
    until: untilMetadata,
    rule: change,
    handler: deleteImageMetadataItem,
  }),
];
