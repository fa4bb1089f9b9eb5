import { route } from "../../../http/service.ts";
import { listExtensions, listVersions, showVersion } from "./version.handlers.ts";

const rule = "volume:versions";

export const versionRoutes = [
  route({ method: "GET", path: "/", rule, handler: listVersions }),
  route({ method: "GET", path: "/v3", rule, handler: showVersion }),
  route({ method: "GET", path: "/v3/", rule, handler: showVersion }),
  route({ method: "GET", path: "/v3/extensions", rule: "volume:extensions", handler: listExtensions }),
];
