/** What clients read first: the versions there are (Compute API guide, "Versions"), and the extensions of old. */
import { notFound } from "@andromede/base/errors";

import type { ApiRequest, Reply } from "../../../http/service.ts";
import { MICROVERSIONS } from "./microversions.ts";
import { EXTENSIONS } from "./extensions.ts";

const MEDIA = (version: string): object => ({
  base: "application/json",
  type: `application/vnd.openstack.compute+json;version=${version}`,
});

const v20 = (baseUrl: string) => ({
  id: "v2.0",
  status: "SUPPORTED",
  version: "",
  min_version: "",
  updated: "2011-01-21T11:33:21Z",
  links: [{ rel: "self", href: `${baseUrl}/compute/v2/` }],
});

const v21 = (baseUrl: string) => ({
  id: "v2.1",
  status: "CURRENT",
  version: `2.${MICROVERSIONS.max}`,
  min_version: `2.${MICROVERSIONS.min}`,
  updated: "2013-07-23T11:33:21Z",
  links: [{ rel: "self", href: `${baseUrl}/compute/v2.1/` }],
});

/** The order is part of the contract: clients have taken the first to be 2.0 for ever. */
export const listVersions = (request: ApiRequest): Reply => ({
  status: 200,
  body: { versions: [v20(request.baseUrl), v21(request.baseUrl)] },
});

const document = (version: ReturnType<typeof v20>, media: string): object => ({
  version: {
    ...version,
    links: [...version.links, { rel: "describedby", type: "text/html", href: "http://docs.openstack.org/" }],
    "media-types": [MEDIA(media)],
  },
});

export const showVersion = (request: ApiRequest): Reply => ({
  status: 200,
  body: document(v21(request.baseUrl), "2.1"),
});
export const showOldVersion = (request: ApiRequest): Reply => ({
  status: 200,
  body: document(v20(request.baseUrl), "2"),
});

const toExtension = ([alias, name]: readonly [string, string]): object => ({
  alias,
  name,
  description: name,
  namespace: "http://docs.openstack.org/compute/ext/fake_xml",
  updated: "2014-12-03T00:00:00Z",
  links: [],
});

export const listExtensions = (): Reply => ({ status: 200, body: { extensions: EXTENSIONS.map(toExtension) } });

export function showExtension(request: ApiRequest): Reply {
  const alias = request.params["alias"] ?? "";
  const found = EXTENSIONS.find(([name]) => name === alias);
  if (found === undefined) throw notFound("The resource could not be found.");
  return { status: 200, body: { extension: toExtension(found) } };
}
