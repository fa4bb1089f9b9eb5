import type { Queryable } from "@andromede/platform/db/database";

import type { ListRequest } from "../common/list-request.ts";
import type { Requester } from "../common/requester.ts";
import { type NetworkWithSubnets, networkNotFound } from "./network.model.ts";
import { findVisibleNetwork, listNetworks } from "./network.queries.ts";

export const readNetworks = (
  sql: Queryable,
  requester: Requester,
  request: ListRequest,
): Promise<NetworkWithSubnets[]> => listNetworks(sql, requester, request);

export async function readNetwork(sql: Queryable, requester: Requester, id: string): Promise<NetworkWithSubnets> {
  const network = await findVisibleNetwork(sql, requester, id);
  if (network === null) throw networkNotFound(id);
  return network;
}
