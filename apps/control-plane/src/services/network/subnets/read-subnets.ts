import type { Queryable } from "@andromede/platform/db/database";

import type { ListRequest } from "../common/list-request.ts";
import type { Requester } from "../common/requester.ts";
import { type Subnet, subnetNotFound } from "./subnet.model.ts";
import { findVisibleSubnet, listSubnets } from "./subnet.queries.ts";

export const readSubnets = (sql: Queryable, requester: Requester, request: ListRequest): Promise<Subnet[]> =>
  listSubnets(sql, requester, request);

export async function readSubnet(sql: Queryable, requester: Requester, id: string): Promise<Subnet> {
  const subnet = await findVisibleSubnet(sql, requester, id);
  if (subnet === null) throw subnetNotFound(id);
  return subnet;
}
