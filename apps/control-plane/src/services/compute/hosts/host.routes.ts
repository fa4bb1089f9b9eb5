import { route } from "../../../http/service.ts";
import {
  disableByHost,
  disableByHostLogReason,
  enableByHost,
  listHypervisorDetails,
  listHypervisorServers,
  listHypervisors,
  listServices,
  listZoneDetails,
  listZonesHandler,
  putService,
  searchHypervisors,
  showHypervisor,
  showStatistics,
} from "./host.handlers.ts";
import { serviceByHostSchema, serviceSchema } from "./host.schema.ts";

const HYPERVISORS = "/v2.1/os-hypervisors";
const SERVICES = "/v2.1/os-services";

export const hostRoutes = [
  route({
    method: "GET",
    path: "/v2.1/os-availability-zone",
    rule: "os_compute_api:os-availability-zone:list",
    handler: listZonesHandler,
  }),
  route({
    method: "GET",
    path: "/v2.1/os-availability-zone/detail",
    rule: "os_compute_api:os-availability-zone:detail",
    handler: listZoneDetails,
  }),
  route({ method: "GET", path: HYPERVISORS, rule: "os_compute_api:os-hypervisors:list", handler: listHypervisors }),
  route({
    method: "GET",
    path: `${HYPERVISORS}/detail`,
    rule: "os_compute_api:os-hypervisors:list-detail",
    handler: listHypervisorDetails,
  }),
  route({
    method: "GET",
    path: `${HYPERVISORS}/statistics`,
    until: 87,
    rule: "os_compute_api:os-hypervisors:statistics",
    handler: showStatistics,
  }),
  route({
    method: "GET",
    path: `${HYPERVISORS}/:hypervisor_id`,
    rule: "os_compute_api:os-hypervisors:show",
    handler: showHypervisor,
  }),
  route({
    method: "GET",
    path: `${HYPERVISORS}/:hypervisor_id/search`,
    until: 52,
    rule: "os_compute_api:os-hypervisors:search",
    handler: searchHypervisors,
  }),
  route({
    method: "GET",
    path: `${HYPERVISORS}/:hypervisor_id/servers`,
    until: 52,
    rule: "os_compute_api:os-hypervisors:servers",
    handler: listHypervisorServers,
  }),
  route({ method: "GET", path: SERVICES, rule: "os_compute_api:os-services:list", handler: listServices }),
  route({
    method: "PUT",
    path: `${SERVICES}/enable`,
    until: 52,
    rule: "os_compute_api:os-services:update",
    body: serviceByHostSchema,
    handler: enableByHost,
  }),
  route({
    method: "PUT",
    path: `${SERVICES}/disable`,
    until: 52,
    rule: "os_compute_api:os-services:update",
    body: serviceByHostSchema,
    handler: disableByHost,
  }),
  route({
    method: "PUT",
    path: `${SERVICES}/disable-log-reason`,
    until: 52,
    rule: "os_compute_api:os-services:update",
    body: serviceByHostSchema,
    handler: disableByHostLogReason,
  }),
  route({
    method: "PUT",
    path: `${SERVICES}/:service_id`,
    since: 53,
    rule: "os_compute_api:os-services:update",
    body: serviceSchema,
    handler: putService,
  }),
];
