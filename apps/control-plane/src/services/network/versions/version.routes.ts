/** Version documents, as Neutron gives them: one version, and what is below it. */
import { type ApiRequest, type Reply, type Route, ok, route } from "../../../http/service.ts";

const MOUNT = "/network";
const COLLECTIONS = [
  "networks",
  "subnets",
  "ports",
  "routers",
  "floatingips",
  "security-groups",
  "security-group-rules",
  "subnetpools",
  "address-scopes",
  "address-groups",
  "rbac-policies",
  "trunks",
  "quotas",
  "extensions",
];

const version = (request: ApiRequest) => ({
  id: "v2.0",
  status: "CURRENT",
  links: [{ rel: "self", href: `${request.baseUrl}${MOUNT}/v2.0/` }],
});

const listVersions = (request: ApiRequest): Reply => ok({ versions: [version(request)] });

const showVersion = (request: ApiRequest): Reply =>
  ok({
    resources: COLLECTIONS.map((collection) => ({
      name: collection.replace(/s$/, ""),
      collection,
      links: [{ rel: "self", href: `${request.baseUrl}${MOUNT}/v2.0/${collection}` }],
    })),
  });

export const versionRoutes: Route[] = [
  // Fastify serves "/network" with it
  route({ method: "GET", path: "/", rule: "get_versions", handler: listVersions }),
  route({ method: "GET", path: "/v2.0", rule: "get_versions", handler: showVersion }),
  route({ method: "GET", path: "/v2.0/", rule: "get_versions", handler: showVersion }),
];
