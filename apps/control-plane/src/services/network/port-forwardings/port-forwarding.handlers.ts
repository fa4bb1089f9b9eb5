import { type ApiRequest, type Reply, noContent, ok } from "../../../http/service.ts";
import { createMany } from "../common/create-many.ts";
import { listReply } from "../common/list-reply.ts";
import { readListRequest } from "../common/list-request.ts";
import { mutate } from "../common/mutate.ts";
import { requesterOf } from "../common/requester.ts";
import { pickFields } from "../common/wire.ts";
import {
  createPortForwarding,
  deletePortForwarding,
  getPortForwarding,
  readPortForwardings,
  updatePortForwarding,
} from "./change-port-forwarding.ts";
import { type PortForwardingWire, toPortForwardingView } from "./port-forwarding.model.ts";
import { portForwardingAttributes } from "./port-forwarding.schema.ts";

type Wire = PortForwardingWire;
const at = (request: ApiRequest<never>): [string, string] => [
  request.params["floatingip_id"] ?? "",
  request.params["id"] ?? "",
];

export async function listPortForwardings(request: ApiRequest): Promise<Reply> {
  const list = readListRequest(request.query, portForwardingAttributes);
  const [floatingIpId] = at(request as ApiRequest<never>);
  const forwardings = await readPortForwardings(request.app.db, requesterOf(request), floatingIpId, list);
  return listReply(request, list, "port_forwardings", forwardings.map(toPortForwardingView));
}

export async function showPortForwarding(request: ApiRequest): Promise<Reply> {
  const forwarding = await getPortForwarding(request.app.db, requesterOf(request), ...at(request as ApiRequest<never>));
  return ok({ port_forwarding: pickFields(toPortForwardingView(forwarding), request.query.all("fields")) });
}

export async function createPortForwardingHandler(
  request: ApiRequest<{ [key: string]: Wire | Wire[] }>,
): Promise<Reply> {
  const requester = requesterOf(request);
  const [floatingIpId] = at(request as ApiRequest<never>);
  return createMany(request, "port_forwarding", "port_forwardings", {
    read: (wire: Wire) => wire,
    create: (tx, wire) => createPortForwarding(tx, requester, floatingIpId, wire),
    view: toPortForwardingView,
  });
}

export async function updatePortForwardingHandler(request: ApiRequest<{ port_forwarding: Wire }>): Promise<Reply> {
  const where = at(request as ApiRequest<never>);
  const forwarding = await mutate(request, (tx) =>
    updatePortForwarding(tx, requesterOf(request), ...where, request.body.port_forwarding),
  );
  return ok({ port_forwarding: toPortForwardingView(forwarding) });
}

export async function deletePortForwardingHandler(request: ApiRequest): Promise<Reply> {
  const where = at(request as ApiRequest<never>);
  await mutate(request, (tx) => deletePortForwarding(tx, requesterOf(request), ...where));
  return noContent();
}
