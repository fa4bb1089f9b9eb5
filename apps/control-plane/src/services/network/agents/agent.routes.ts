import { type Route, route } from "../../../http/service.ts";
import { listAgents, listAvailabilityZones, listServiceProviders, showAgent } from "./agent.handlers.ts";
import {
  addDhcpNetwork,
  addL3Router,
  listDhcpAgents,
  listDhcpNetworks,
  listL3Agents,
  listL3Routers,
  removeDhcpNetwork,
  removeL3Router,
} from "./scheduler.handlers.ts";
import { listIpAvailabilities, showIpAvailability } from "./ip-availability.handlers.ts";

const one = (member: string) => ({
  type: "object",
  required: [member],
  additionalProperties: false,
  properties: { [member]: { type: "string", minLength: 1, maxLength: 255 } },
});
const DHCP = "/v2.0/agents/:id/dhcp-networks";
const L3 = "/v2.0/agents/:id/l3-routers";

/** Rules as Neutron names them. */
const schedulerRoutes: Route[] = [
  route({ method: "GET", path: "/v2.0/networks/:id/dhcp-agents", rule: "get_dhcp-agents", handler: listDhcpAgents }),
  route({ method: "GET", path: "/v2.0/routers/:id/l3-agents", rule: "get_l3-agents", handler: listL3Agents }),
  route({ method: "GET", path: DHCP, rule: "get_dhcp-networks", handler: listDhcpNetworks }),
  route({
    method: "POST",
    path: DHCP,
    rule: "create_dhcp-network",
    body: one("network_id"),
    handler: addDhcpNetwork,
  }),
  route({
    method: "DELETE",
    path: `${DHCP}/:network_id`,
    rule: "delete_dhcp-network",
    handler: removeDhcpNetwork,
  }),
  route({ method: "GET", path: L3, rule: "get_l3-routers", handler: listL3Routers }),
  route({ method: "POST", path: L3, rule: "create_l3-router", body: one("router_id"), handler: addL3Router }),
  route({ method: "DELETE", path: `${L3}/:router_id`, rule: "delete_l3-router", handler: removeL3Router }),
];

export const agentRoutes: Route[] = [
  ...schedulerRoutes,
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
