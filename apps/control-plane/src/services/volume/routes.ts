import type { Route } from "../../http/service.ts";
import { versionRoutes } from "./versions/version.routes.ts";

export const volumeRoutes: Route[] = [...versionRoutes];
