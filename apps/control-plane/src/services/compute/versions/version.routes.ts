import { route } from "../../../http/service.ts";
import { listExtensions, listVersions, showExtension, showOldVersion, showVersion } from "./version.handlers.ts";

const rule = "os_compute_api:versions";

export const versionRoutes = [
  route({ method: "GET", path: "/", rule, handler: listVersions }),
  route({ method: "GET", path: "/v2.1", rule, handler: showVersion }),
  route({ method: "GET", path: "/v2.1/", rule, handler: showVersion }),
  route({ method: "GET", path: "/v2/", rule, handler: showOldVersion }),
  route({ method: "GET", path: "/v2.1/extensions", rule: "os_compute_api:extensions", handler: listExtensions }),
  route({ method: "GET", path: "/v2.1/extensions/:alias", rule: "os_compute_api:extensions", handler: showExtension }),
];
