/**
 * Which agent serves which network and router (Neutron's DHCP and L3 agent schedulers), as Neutron answers on OVN: there is no
 * DHCP and no L3 agent. Every host's OVN controller answers DHCP and routes for the ports it has.
 */
import { conflict, notFound } from "@andromede/base/errors";

import { type ApiRequest, type Reply, ok } from "../../../http/service.ts";
import { requesterOf } from "../common/requester.ts";
import { readNetwork } from "../networks/read-networks.ts";
import { readRouter } from "../routers/change-router.ts";
import { checkAgent } from "./agent.handlers.ts";

const agentOf = (request: ApiRequest): string => request.params["id"] ?? "";

/** Agents that serve a network or a router: none. */
export async function listDhcpAgents(request: ApiRequest): Promise<Reply> {
  await readNetwork(request.app.db, requesterOf(request), request.params["id"] ?? "");
  return ok({ agents: [] });
}
export async function listL3Agents(request: ApiRequest): Promise<Reply> {
  await readRouter(request.app.db, requesterOf(request), request.params["id"] ?? "");
  return ok({ agents: [] });
}

/** What an agent was given to serve: nothing. */
const listNothing =
  (member: "networks" | "routers") =>
  (request: ApiRequest): Reply => {
    checkAgent(request.app, agentOf(request));
    return ok({ [member]: [] });
  };
export const listDhcpNetworks = listNothing("networks");
export const listL3Routers = listNothing("routers");

export function addDhcpNetwork(request: ApiRequest): never {
  checkAgent(request.app, agentOf(request));
  throw notFound(`Agent ${agentOf(request)} is not a valid DHCP Agent or has been disabled`, {
    type: "InvalidDHCPAgent",
  });
}
export function addL3Router(request: ApiRequest): never {
  checkAgent(request.app, agentOf(request));
  throw notFound(`Agent ${agentOf(request)} is not a L3 Agent or has been disabled`, { type: "InvalidL3Agent" });
}

export function removeDhcpNetwork(request: ApiRequest): never {
  checkAgent(request.app, agentOf(request));
  const network = request.params["network_id"] ?? "";
  throw conflict(`The network ${network} is not hosted by the DHCP agent ${agentOf(request)}.`.slice(0, 600), {
    type: "NetworkNotHostedByDhcpAgent",
  });
}
export function removeL3Router(request: ApiRequest): never {
  checkAgent(request.app, agentOf(request));
  const router = request.params["router_id"] ?? "";
  throw conflict(`The router ${router} is not hosted by L3 agent ${agentOf(request)}.`.slice(0, 600), {
    type: "RouterNotHostedByL3Agent",
  });
}
