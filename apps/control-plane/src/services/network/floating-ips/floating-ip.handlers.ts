import { invalid } from "@andromede/base/errors";

import { type ApiRequest, type Reply, noContent, ok } from "../../../http/service.ts";
import { canonicalAddress } from "../common/addresses.ts";
import { createMany } from "../common/create-many.ts";
import { listReply } from "../common/list-reply.ts";
import { readListRequest } from "../common/list-request.ts";
import { mutate } from "../common/mutate.ts";
import { type Requester, ownerOf, requesterOf, requireAdminFor } from "../common/requester.ts";
import { pickFields } from "../common/wire.ts";
import {
  type CreateFloatingIp,
  type UpdateFloatingIp,
  createFloatingIp,
  deleteFloatingIp,
  readFloatingIp,
  readFloatingIps,
  updateFloatingIp,
} from "./change-floating-ip.ts";
import { floatingIpAttributes } from "./floating-ip.schema.ts";
import { toFloatingIpView } from "./floating-ip.view.ts";

type Wire = {
  floating_network_id: string;
  floating_ip_address?: string | null;
  subnet_id?: string | null;
  port_id?: string | null;
  fixed_ip_address?: string | null;
  description?: string;
  dns_name?: string;
  dns_domain?: string;
  qos_policy_id?: string | null;
  project_id?: string;
  tenant_id?: string;
};

export async function listFloatingIps(request: ApiRequest): Promise<Reply> {
  const list = readListRequest(request.query, floatingIpAttributes);
  const floatingIps = await readFloatingIps(request.app.db, requesterOf(request), list);
  return listReply(request, list, "floatingips", floatingIps.map(toFloatingIpView));
}

export async function showFloatingIp(request: ApiRequest): Promise<Reply> {
  const floatingIp = await readFloatingIp(request.app.db, requesterOf(request), request.params["id"] ?? "");
  return ok({ floatingip: pickFields(toFloatingIpView(floatingIp), request.query.all("fields")) });
}

function readAddress(text: string | null | undefined, field: string): string | undefined {
  if (text === undefined || text === null || text === "") return undefined;
  const address = canonicalAddress(text);
  if (address === null)
    throw invalid(`Invalid input for ${field}. Reason: '${text}' is not a valid IP address.`, { field });
  return address;
}

function toFloatingIp(requester: Requester, wire: Wire): CreateFloatingIp {
  if (wire.floating_ip_address !== null) requireAdminFor(requester, "create_floatingip", wire, ["floating_ip_address"]);
  return {
    projectId: ownerOf(requester, wire),
    floatingNetworkId: wire.floating_network_id,
    floatingIpAddress: readAddress(wire.floating_ip_address, "floating_ip_address"),
    subnetId: wire.subnet_id ?? undefined,
    portId: wire.port_id ?? undefined,
    fixedIpAddress: readAddress(wire.fixed_ip_address, "fixed_ip_address"),
    description: wire.description ?? "",
    dnsName: wire.dns_name ?? "",
    dnsDomain: wire.dns_domain ?? "",
    qosPolicyId: wire.qos_policy_id ?? null,
  };
}

export async function createFloatingIpHandler(request: ApiRequest<{ [key: string]: Wire | Wire[] }>): Promise<Reply> {
  const requester = requesterOf(request);
  return createMany(request, "floatingip", "floatingips", {
    read: (wire: Wire) => toFloatingIp(requester, wire),
    create: (tx, wanted) => createFloatingIp(tx, requester, wanted),
    view: toFloatingIpView,
  });
}

export async function updateFloatingIpHandler(request: ApiRequest<{ floatingip: Partial<Wire> }>): Promise<Reply> {
  const wire = request.body.floatingip;
  const fixedIpAddress = readAddress(wire.fixed_ip_address, "fixed_ip_address");
  const change: UpdateFloatingIp = {
    ...(wire.port_id === undefined ? {} : { portId: wire.port_id }),
    ...(fixedIpAddress === undefined ? {} : { fixedIpAddress }),
    ...(wire.qos_policy_id === undefined ? {} : { qosPolicyId: wire.qos_policy_id }),
    ...(wire.description === undefined ? {} : { description: wire.description }),
  };
  const floatingIp = await mutate(request, (tx) =>
    updateFloatingIp(tx, requesterOf(request), request.params["id"] ?? "", change),
  );
  return ok({ floatingip: toFloatingIpView(floatingIp) });
}

export async function deleteFloatingIpHandler(request: ApiRequest): Promise<Reply> {
  await mutate(request, (tx) => deleteFloatingIp(tx, requesterOf(request), request.params["id"] ?? ""));
  return noContent();
}
