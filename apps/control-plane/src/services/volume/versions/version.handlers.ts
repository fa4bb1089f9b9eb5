/** What clients read first: the versions there are, and the extensions of old. */
import type { ApiRequest, Reply } from "../../../http/service.ts";
import { EXTENSIONS } from "./extensions.ts";
import { MICROVERSIONS } from "./microversions.ts";

const v3 = (baseUrl: string): object => ({
  id: "v3.0",
  status: "CURRENT",
  version: `3.${MICROVERSIONS.max}`,
  min_version: `3.${MICROVERSIONS.min}`,
  updated: "2022-08-31T00:00:00Z",
  links: [
    { rel: "describedby", type: "text/html", href: "https://docs.openstack.org/" },
    { rel: "self", href: `${baseUrl}/volume/v3/` },
  ],
  "media-types": [{ base: "application/json", type: "application/vnd.openstack.volume+json;version=3" }],
});

/** All versions: 300, as Cinder says it ("Multiple Choices"). */
export const listVersions = (request: ApiRequest): Reply => ({
  status: 300,
  body: { versions: [v3(request.baseUrl)] },
});
export const showVersion = (request: ApiRequest): Reply => ({ status: 200, body: { versions: [v3(request.baseUrl)] } });

export const listExtensions = (): Reply => ({
  status: 200,
  body: {
    extensions: EXTENSIONS.map(([alias, name, description]) => ({
      alias,
      name,
      description,
      updated: "2012-05-31T00:00:00+00:00",
      links: [],
    })),
  },
});
