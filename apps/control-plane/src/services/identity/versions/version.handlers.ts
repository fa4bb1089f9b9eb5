import { type ApiRequest, type Reply, ok } from "../../../http/service.ts";

/** Identity API v3.14: the last number of the version document that clients know. */
const versionDocument = (baseUrl: string) => ({
  id: "v3.14",
  status: "stable",
  updated: "2020-04-07T00:00:00Z",
  links: [{ rel: "self", href: `${baseUrl}/identity/v3/` }],
  "media-types": [{ base: "application/json", type: "application/vnd.openstack.identity-v3+json" }],
});

/** 300: there is more than one to choose from, in principle (Identity API, "Versions"). */
export const handleListVersions = (request: ApiRequest): Reply => ({
  status: 300,
  body: { versions: { values: [versionDocument(request.baseUrl)] } },
  headers: { location: `${request.baseUrl}/identity/v3/` },
});

export const handleShowVersion = (request: ApiRequest): Reply => ok({ version: versionDocument(request.baseUrl) });
