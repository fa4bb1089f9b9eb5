import { route } from "../../../http/service.ts";
import {
  disableService,
  disableServiceWithReason,
  enableService,
  freezeHost,
  listHosts,
  listPools,
  listResourceFilters,
  listServices,
  listZones,
  showCapabilities,
  showHost,
  thawHost,
} from "./host.handlers.ts";

const P = "volume_extension:";
const text = { type: "string", minLength: 1, maxLength: 255 } as const;
const serviceSchema = {
  type: "object",
  additionalProperties: false,
  properties: { host: text, binary: text, service: text, disabled_reason: text, cluster: { type: ["string", "null"] } },
  required: ["host"],
} as const;
const put = { method: "PUT", rule: `${P}services:update`, body: serviceSchema } as const;

export const volumeHostRoutes = [
  route({ method: "GET", path: "/v3/os-services", rule: `${P}services:index`, handler: listServices }),
  route({ ...put, path: "/v3/os-services/enable", handler: enableService }),
  route({ ...put, path: "/v3/os-services/disable", handler: disableService }),
  route({ ...put, path: "/v3/os-services/disable-log-reason", handler: disableServiceWithReason }),
  route({ ...put, path: "/v3/os-services/freeze", handler: freezeHost }),
  route({ ...put, path: "/v3/os-services/thaw", handler: thawHost }),
  route({
    method: "GET",
    path: "/v3/scheduler-stats/get_pools",
    rule: "scheduler_extension:scheduler_stats:get_pools",
    handler: listPools,
  }),
  route({ method: "GET", path: "/v3/capabilities/:host", rule: `${P}capabilities`, handler: showCapabilities }),
  route({ method: "GET", path: "/v3/os-availability-zone", rule: `${P}availability_zone_list`, handler: listZones }),
  route({ method: "GET", path: "/v3/os-hosts", rule: `${P}hosts`, handler: listHosts }),
  route({ method: "GET", path: "/v3/os-hosts/:host", rule: `${P}hosts`, handler: showHost }),
  route({
    method: "GET",
    path: "/v3/resource_filters",
    rule: "volume:resource_filters",
    since: 33,
    handler: listResourceFilters,
  }),
];
