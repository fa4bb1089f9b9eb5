/** What Nova's older doors to the network show: whole lists, without Neutron's filters. */
import type { Queryable } from "@andromede/platform/db/database";

import { parseQuery } from "../../../http/query.ts";
import { readListRequest } from "../common/list-request.ts";
import type { Requester } from "../common/requester.ts";
import { type FloatingIpWithPort } from "../floating-ips/floating-ip.model.ts";
import { listFloatingIps } from "../floating-ips/floating-ip.queries.ts";
import { floatingIpAttributes } from "../floating-ips/floating-ip.schema.ts";
import type { NetworkWithSubnets } from "../networks/network.model.ts";
import { listNetworks } from "../networks/network.queries.ts";
import { networkAttributes } from "../networks/network.schema.ts";

/** Networks that the requester may see; `external`: only those that floating IPs come from. */
export const listAllNetworks = (
  sql: Queryable,
  requester: Requester,
  options: { external?: true } = {},
): Promise<NetworkWithSubnets[]> => {
  const query = parseQuery(options.external === true ? "router:external=true" : "");
  return listNetworks(sql, requester, readListRequest(query, networkAttributes(requester)));
};

/** The project's own floating IPs; `address`: the one that has it. */
export const listProjectFloatingIps = (
  sql: Queryable,
  projectId: string,
  address?: string,
): Promise<FloatingIpWithPort[]> => {
  const query = parseQuery(address === undefined ? "" : `floating_ip_address=${encodeURIComponent(address)}`);
  return listFloatingIps(sql, { projectId, admin: false }, readListRequest(query, floatingIpAttributes));
};
