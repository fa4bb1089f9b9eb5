import type { Queryable } from "../../../db/database.ts";
import type { ListRequest } from "../common/list-request.ts";
import type { Requester } from "../common/requester.ts";
import { type Port, portNotFound } from "./port.model.ts";
import { findVisiblePort, listPorts } from "./port.queries.ts";

export const readPorts = (sql: Queryable, requester: Requester, request: ListRequest): Promise<Port[]> =>
  listPorts(sql, requester, request);

export async function readPort(sql: Queryable, requester: Requester, id: string): Promise<Port> {
  const port = await findVisiblePort(sql, requester, id);
  if (port === null) throw portNotFound(id);
  return port;
}
