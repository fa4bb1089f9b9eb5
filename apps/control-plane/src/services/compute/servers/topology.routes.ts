/** A server's NUMA topology (microversion 2.78). Hosts here give guests none, and so does the answer. */
import { type ApiRequest, type Reply, ok, route } from "../../../http/service.ts";
import { getServer } from "./read-servers.ts";

async function showTopology(request: ApiRequest): Promise<Reply> {
  await getServer(request, request.params["server_id"] ?? "");
  return ok({ nodes: [], pagesize_kb: null });
}

export const topologyRoutes = [
  route({
    method: "GET",
    path: "/v2.1/servers/:server_id/topology",
    since: 78,
    rule: "compute:server:topology:index",
    handler: showTopology,
  }),
];
