import { type Route, route } from "../../../http/service.ts";
import { listAgents, listAvailabilityZones, listServiceProviders, showAgent } from "./agent.handlers.ts";
import { listIpAvailabilities, showIpAvailability } from "./ip-availability.handlers.ts";

export const agentRoutes: Route[] = [
  route({ method: "GET", path: "/v2.0/agents", rule: "get_agent", handler: listAgents }),
  route({ method: "GET", path: "/v2.0/agents/:id", rule: "get_agent", handler: showAgent }),
  route({
    method: "GET",
    path: "/v2.0/availability_zones",
    rule: "get_availability_zone",
    handler: listAvailabilityZones,
  }),
  route({
    method: "GET",
    path: "/v2.0/service-providers",
    rule: "get_service_provider",
    handler: listServiceProviders,
  }),
  route({
    method: "GET",
    path: "/v2.0/network-ip-availabilities",
    rule: "get_network_ip_availability",
    handler: listIpAvailabilities,
  }),
  route({
    method: "GET",
    path: "/v2.0/network-ip-availabilities/:id",
    rule: "get_network_ip_availability",
    handler: showIpAvailability,
  }),
];
