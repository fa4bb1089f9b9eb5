/** Flavors on the wire, by microversion. Pure. */
import { resourceLinks } from "../../../http/links.ts";
import type { ApiRequest } from "../../../http/service.ts";
import type { Flavor } from "./flavor.model.ts";

type Asked = Pick<ApiRequest, "baseUrl" | "version">;

const links = (request: Asked, flavor: Flavor) =>
  resourceLinks(request, "/compute", "v2.1", `flavors/${encodeURIComponent(flavor.id)}`);

export const toFlavorEntry = (request: Asked, flavor: Flavor): object => ({
  id: flavor.id,
  name: flavor.name,
  links: links(request, flavor),
  ...(request.version >= 55 ? { description: flavor.description } : {}),
});

export const toFlavorView = (request: Asked, flavor: Flavor): object => ({
  id: flavor.id,
  name: flavor.name,
  ram: flavor.ramMib,
  disk: flavor.diskGib,
  // until 2.75 "no swap" is an empty text
  swap: flavor.swapMib === 0 && request.version < 75 ? "" : flavor.swapMib,
  "OS-FLV-EXT-DATA:ephemeral": flavor.ephemeralGib,
  "OS-FLV-DISABLED:disabled": flavor.disabled,
  vcpus: flavor.vcpus,
  "os-flavor-access:is_public": flavor.isPublic,
  rxtx_factor: flavor.rxtxFactor,
  links: links(request, flavor),
  ...(request.version >= 55 ? { description: flavor.description } : {}),
  ...(request.version >= 61 ? { extra_specs: flavor.extraSpecs } : {}),
});
