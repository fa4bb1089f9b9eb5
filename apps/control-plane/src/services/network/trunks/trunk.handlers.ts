import { type ApiRequest, type Reply, noContent, ok } from "../../../http/service.ts";
import { createMany } from "../common/create-many.ts";
import { listReply } from "../common/list-reply.ts";
import { readListRequest } from "../common/list-request.ts";
import { mutate } from "../common/mutate.ts";
import { ownerOf, requesterOf } from "../common/requester.ts";
import { type WireBoolean, pickFields, toBoolean } from "../common/wire.ts";
import {
  addSubPorts,
  createTrunk,
  deleteTrunk,
  readTrunk,
  readTrunks,
  removeSubPorts,
  updateTrunk,
} from "./change-trunk.ts";
import { type SubPortWire, readSubPorts, toSubPortView, toTrunkView } from "./trunk.model.ts";
import { trunkAttributes } from "./trunk.schema.ts";

type Wire = {
  name?: string;
  description?: string;
  admin_state_up?: WireBoolean;
  port_id: string;
  sub_ports?: SubPortWire[];
  project_id?: string;
  tenant_id?: string;
};
type SubPortsBody = { sub_ports: SubPortWire[] };

export async function listTrunks(request: ApiRequest): Promise<Reply> {
  const list = readListRequest(request.query, trunkAttributes);
  const trunks = await readTrunks(request.app.db, requesterOf(request), list);
  return listReply(request, list, "trunks", trunks.map(toTrunkView));
}

export async function showTrunk(request: ApiRequest): Promise<Reply> {
  const trunk = await readTrunk(request.app.db, requesterOf(request), request.params["id"] ?? "");
  return ok({ trunk: pickFields(toTrunkView(trunk), request.query.all("fields")) });
}

export async function createTrunkHandler(request: ApiRequest<{ [key: string]: Wire | Wire[] }>): Promise<Reply> {
  const requester = requesterOf(request);
  return createMany(request, "trunk", "trunks", {
    read: (wire: Wire) => ({
      projectId: ownerOf(requester, wire),
      name: wire.name ?? "",
      description: wire.description ?? "",
      adminStateUp: toBoolean(wire.admin_state_up ?? true),
      portId: wire.port_id,
      subPorts: readSubPorts(wire.sub_ports ?? []),
    }),
    create: (tx, wanted) => createTrunk(tx, requester, wanted),
    view: toTrunkView,
  });
}

export async function updateTrunkHandler(request: ApiRequest<{ trunk: Partial<Wire> }>): Promise<Reply> {
  const wire = request.body.trunk;
  const change = {
    ...(wire.name === undefined ? {} : { name: wire.name }),
    ...(wire.description === undefined ? {} : { description: wire.description }),
    ...(wire.admin_state_up === undefined ? {} : { adminStateUp: toBoolean(wire.admin_state_up) }),
  };
  const trunk = await mutate(request, (tx) =>
    updateTrunk(tx, requesterOf(request), request.params["id"] ?? "", change),
  );
  return ok({ trunk: toTrunkView(trunk) });
}

export async function deleteTrunkHandler(request: ApiRequest): Promise<Reply> {
  await mutate(request, (tx) => deleteTrunk(tx, requesterOf(request), request.params["id"] ?? ""));
  return noContent();
}

/** The actions answer with the trunk itself, without an envelope. */
export async function addSubPortsHandler(request: ApiRequest<SubPortsBody>): Promise<Reply> {
  const added = readSubPorts(request.body.sub_ports);
  const id = request.params["id"] ?? "";
  return ok(toTrunkView(await mutate(request, (tx) => addSubPorts(tx, requesterOf(request), id, added))));
}

export async function removeSubPortsHandler(request: ApiRequest<SubPortsBody>): Promise<Reply> {
  const removed = request.body.sub_ports.map((one) => one.port_id);
  const id = request.params["id"] ?? "";
  return ok(toTrunkView(await mutate(request, (tx) => removeSubPorts(tx, requesterOf(request), id, removed))));
}

export async function listSubPorts(request: ApiRequest): Promise<Reply> {
  const trunk = await readTrunk(request.app.db, requesterOf(request), request.params["id"] ?? "");
  return ok({ sub_ports: trunk.subPorts.map(toSubPortView) });
}
