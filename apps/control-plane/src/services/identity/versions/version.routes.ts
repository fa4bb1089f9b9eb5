import { type Route, route } from "../../../http/service.ts";
import { handleListVersions, handleShowVersion } from "./version.handlers.ts";

export const versionRoutes: Route[] = [
  route({ method: "GET", path: "/", rule: "identity:list_versions", handler: handleListVersions }),
  route({ method: "GET", path: "/v3", rule: "identity:get_version", handler: handleShowVersion }),
  route({ method: "GET", path: "/v3/", rule: "identity:get_version", handler: handleShowVersion }),
];
