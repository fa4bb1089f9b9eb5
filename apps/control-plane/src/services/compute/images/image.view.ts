/** An image on Nova's wire (Compute API, "Images (DEPRECATED)"). Pure. */
import { type Link, resourceLinks } from "../../../http/links.ts";
import type { ApiRequest } from "../../../http/service.ts";
import type { ProxiedImage } from "../../image/public.ts";
import { isoTime } from "../common/wire.ts";

type Viewer = Pick<ApiRequest, "baseUrl">;

const links = (viewer: Viewer, id: string): Link[] => [
  ...resourceLinks(viewer, "/compute", "v2.1", `images/${id}`),
  { rel: "alternate", type: "application/vnd.openstack.image", href: `${viewer.baseUrl}/image/images/${id}` },
];

const STATUS: { readonly [status in ProxiedImage["status"]]: string } = {
  active: "ACTIVE",
  queued: "SAVING",
  saving: "SAVING",
  uploading: "UNKNOWN",
  importing: "UNKNOWN",
  deactivated: "UNKNOWN",
  deleting: "DELETED",
};
const PROGRESS: { readonly [status in ProxiedImage["status"]]: number } = {
  active: 100,
  queued: 25,
  saving: 50,
  uploading: 0,
  importing: 0,
  deactivated: 0,
  deleting: 0,
};

export const toImageEntry = (viewer: Viewer, image: ProxiedImage): object => ({
  id: image.id,
  name: image.name,
  links: links(viewer, image.id),
});

export function toImageView(viewer: Viewer, image: ProxiedImage): object {
  const { instance_uuid: serverId, auto_disk_config: auto } = image.properties;
  return {
    ...toImageEntry(viewer, image),
    minRam: image.minRam,
    minDisk: image.minDisk,
    metadata: image.properties,
    created: isoTime(image.createdAt),
    updated: isoTime(image.updatedAt),
    status: STATUS[image.status],
    progress: PROGRESS[image.status],
    "OS-EXT-IMG-SIZE:size": image.sizeBytes,
    ...(serverId === undefined
      ? {}
      : { server: { id: serverId, links: resourceLinks(viewer, "/compute", "v2.1", `servers/${serverId}`) } }),
    ...(auto === undefined ? {} : { "OS-DCF:diskConfig": /^(true|1|yes|on|t|y)$/i.test(auto) ? "AUTO" : "MANUAL" }),
  };
}
