import { type ApiRequest, type Reply, created, noContent, ok } from "../../../http/service.ts";
import { listReply, listReplyOfJson } from "../common/list-reply.ts";
import { readListRequest } from "../common/list-request.ts";
import { mutate } from "../common/mutate.ts";
import { type Requester, ownerOf, requesterOf, requireAdminFor } from "../common/requester.ts";
import { type WireBoolean, pickFields, resourcesOf, toBoolean } from "../common/wire.ts";
import { type CreatePort, createPorts } from "./create-port.ts";
import { deletePort } from "./delete-port.ts";
import type { FixedIpWire } from "./fixed-ips.plan.ts";
import { type Port, readDhcpOpts, readMac } from "./port.model.ts";
import { portAttributes } from "./port.schema.ts";
import { toPortView } from "./port.view.ts";
import { readPort, readPorts, readPortsJson } from "./read-ports.ts";
import { ANOTHER_MAC, type UpdatePort, updatePort } from "./update-port.ts";

type Wire = {
  network_id: string;
  name?: string;
  description?: string;
  admin_state_up?: WireBoolean;
  mac_address?: string | null;
  fixed_ips?: FixedIpWire[] | null;
  security_groups?: string[] | null;
  allowed_address_pairs?: { ip_address: string; mac_address?: string | null }[] | null;
  extra_dhcp_opts?: { opt_name: string; opt_value: string | null; ip_version?: number | string }[] | null;
  port_security_enabled?: WireBoolean;
  device_id?: string;
  device_owner?: string;
  dns_name?: string;
  qos_policy_id?: string | null;
  "binding:host_id"?: string | null;
  "binding:profile"?: Port["bindingProfile"] | null;
  project_id?: string;
  tenant_id?: string;
};

const FOR_ADMINS = ["binding:host_id", "binding:profile"];

export async function listPorts(request: ApiRequest): Promise<Reply> {
  const requester = requesterOf(request);
  const list = readListRequest(request.query, portAttributes(requester.admin));
  const { db } = request.app;
  if (list.fields.length === 0)
    return listReplyOfJson(request, list, "ports", await readPortsJson(db, requester, list));
  const ports = await readPorts(db, requester, list);
  return listReply(
    request,
    list,
    "ports",
    ports.map((port) => toPortView(port, requester.admin)),
  );
}

export async function showPort(request: ApiRequest): Promise<Reply> {
  const requester = requesterOf(request);
  const port = await readPort(request.app.db, requester, request.params["id"] ?? "");
  return ok({ port: pickFields(toPortView(port, requester.admin), request.query.all("fields")) });
}

function toPort(requester: Requester, wire: Wire): CreatePort {
  requireAdminFor(requester, "create_port", wire, FOR_ADMINS);
  return {
    projectId: ownerOf(requester, wire),
    networkId: wire.network_id,
    name: wire.name ?? "",
    description: wire.description ?? "",
    adminStateUp: toBoolean(wire.admin_state_up ?? true),
    macAddress: wire.mac_address === undefined || wire.mac_address === null ? undefined : readMac(wire.mac_address),
    fixedIps: wire.fixed_ips ?? undefined,
    // null and [] say "none", nothing says "the default"
    securityGroups: wire.security_groups === null ? [] : wire.security_groups,
    allowedAddressPairs: wire.allowed_address_pairs ?? undefined,
    extraDhcpOpts: readDhcpOpts(wire.extra_dhcp_opts ?? []),
    portSecurityEnabled: wire.port_security_enabled === undefined ? undefined : toBoolean(wire.port_security_enabled),
    ...toPlace(wire),
  };
}

/** Who uses it and where. */
const toPlace = (
  wire: Wire,
): Pick<CreatePort, "deviceId" | "deviceOwner" | "dnsName" | "qosPolicyId" | "hostId" | "bindingProfile"> => ({
  qosPolicyId: wire.qos_policy_id ?? null,
  deviceId: wire.device_id ?? "",
  deviceOwner: wire.device_owner ?? "",
  dnsName: wire.dns_name ?? "",
  hostId: wire["binding:host_id"] ?? "",
  bindingProfile: wire["binding:profile"] ?? {},
});

export async function createPortHandler(request: ApiRequest<{ [key: string]: Wire | Wire[] }>): Promise<Reply> {
  const requester = requesterOf(request);
  const { bulk, wires } = resourcesOf<Wire>(request.body, "port", "ports");
  const wanted = wires.map((wire) => toPort(requester, wire));
  const ports = await mutate(request, (tx) => createPorts(tx, requester, wanted));
  const views = ports.map((port) => toPortView(port, requester.admin));
  return created(bulk ? { ports: views } : { port: views[0] });
}

/** Members that are there, read; null means the empty value. */
function toChange(wire: Wire): UpdatePort {
  return {
    ...(wire.name === undefined ? {} : { name: wire.name }),
    ...(wire.description === undefined ? {} : { description: wire.description }),
    ...(wire.admin_state_up === undefined ? {} : { adminStateUp: toBoolean(wire.admin_state_up) }),
    ...(wire.mac_address === undefined
      ? {}
      : { macAddress: wire.mac_address === null ? ANOTHER_MAC : readMac(wire.mac_address) }),
    ...(wire.port_security_enabled === undefined ? {} : { portSecurityEnabled: toBoolean(wire.port_security_enabled) }),
    ...(wire.device_id === undefined ? {} : { deviceId: wire.device_id }),
    ...(wire.device_owner === undefined ? {} : { deviceOwner: wire.device_owner }),
    ...(wire.dns_name === undefined ? {} : { dnsName: wire.dns_name }),
    ...toListChange(wire),
  };
}

function toListChange(wire: Wire): UpdatePort {
  return {
    ...(wire.qos_policy_id === undefined ? {} : { qosPolicyId: wire.qos_policy_id }),
    ...(wire["binding:host_id"] === undefined ? {} : { hostId: wire["binding:host_id"] ?? "" }),
    ...(wire["binding:profile"] === undefined ? {} : { bindingProfile: wire["binding:profile"] ?? {} }),
    ...(wire.fixed_ips === undefined ? {} : { fixedIps: wire.fixed_ips ?? [] }),
    ...(wire.security_groups === undefined ? {} : { securityGroups: wire.security_groups ?? [] }),
    ...(wire.allowed_address_pairs === undefined ? {} : { allowedAddressPairs: wire.allowed_address_pairs ?? [] }),
    ...(wire.extra_dhcp_opts === undefined ? {} : { extraDhcpOpts: wire.extra_dhcp_opts ?? [] }),
  };
}

export async function updatePortHandler(request: ApiRequest<{ port: Wire }>): Promise<Reply> {
  const requester = requesterOf(request);
  requireAdminFor(requester, "update_port", request.body.port, FOR_ADMINS);
  const change = toChange(request.body.port);
  const port = await mutate(request, (tx) => updatePort(tx, requester, request.params["id"] ?? "", change));
  return ok({ port: toPortView(port, requester.admin) });
}

export async function deletePortHandler(request: ApiRequest): Promise<Reply> {
  await mutate(request, (tx) => deletePort(tx, requesterOf(request), request.params["id"] ?? ""));
  return noContent();
}
