import type { Queryable } from "@andromede/platform/db/database";

import { type RowJson, RowJsonMemory } from "../../../http/row-json.ts";
import type { ListRequest } from "../common/list-request.ts";
import type { Requester } from "../common/requester.ts";
import { type Port, portNotFound } from "./port.model.ts";
import { findVisiblePort, listPortVersions, listPorts, listVersionedPorts } from "./port.queries.ts";
import { toPortView } from "./port.view.ts";

export const readPorts = (sql: Queryable, requester: Requester, request: ListRequest): Promise<Port[]> =>
  listPorts(sql, requester, request);

const memory = new RowJsonMemory();

/** The same as JSON of their views. */
export async function readPortsJson(sql: Queryable, requester: Requester, request: ListRequest): Promise<RowJson[]> {
  const rows = await listPortVersions(sql, requester, request);
  return memory.jsonOf(rows, requester.admin ? "admin" : "tenant", async (ids) =>
    (await listVersionedPorts(sql, ids)).map((port) => ({
      id: port.id,
      version: port.version,
      view: toPortView(port, requester.admin),
    })),
  );
}

export async function readPort(sql: Queryable, requester: Requester, id: string): Promise<Port> {
  const port = await findVisiblePort(sql, requester, id);
  if (port === null) throw portNotFound(id);
  return port;
}
