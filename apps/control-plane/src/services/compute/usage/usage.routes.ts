import { route } from "../../../http/service.ts";
import { listUsages, showUsage } from "./usage.handlers.ts";

const USAGE = "/v2.1/os-simple-tenant-usage";

export const usageRoutes = [
  route({ method: "GET", path: USAGE, rule: "os_compute_api:os-simple-tenant-usage:list", handler: listUsages }),
  route({
    method: "GET",
    path: `${USAGE}/:project_id`,
    rule: "os_compute_api:os-simple-tenant-usage:show",
    handler: showUsage,
  }),
];
