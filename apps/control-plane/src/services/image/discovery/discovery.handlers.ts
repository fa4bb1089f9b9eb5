/** What this image service is and can do (Image API v2: "API versions", "Image Schemas", "Image Service Info (Discovery)"). */
import { notFound } from "@andromede/base/errors";

import { type ApiRequest, type Reply, ok } from "../../../http/service.ts";
import { imageDocument, imagesDocument, memberDocument, membersDocument } from "../images/image.schema.ts";

/** 2.9 is the newest that promises nothing we lack: interoperable import and several stores came after it. */
const VERSIONS = ["2.9", "2.7", "2.6", "2.5", "2.4", "2.3", "2.2", "2.1", "2.0"];

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

/** No way in but the plain upload: an empty list is what the document has for that. */
export const importInfo = (): Reply =>
  ok({ "import-methods": { description: "Import methods available.", type: "array", value: [] } });

/** As Glance answers where there is one store only. */
export function storesInfo(): Reply {
  throw notFound("Multi backend is not supported at this site.");
}

export const imageSchema = (): Reply => ok(imageDocument);
export const imagesSchema = (): Reply => ok(imagesDocument);
export const memberSchema = (): Reply => ok(memberDocument);
export const membersSchema = (): Reply => ok(membersDocument);
