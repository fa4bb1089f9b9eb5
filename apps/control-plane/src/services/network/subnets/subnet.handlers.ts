import { invalid } from "@andromede/base/errors";

import { type ApiRequest, type Reply, created, noContent, ok } from "../../../http/service.ts";
import { listReply } from "../common/list-reply.ts";
import { readListRequest } from "../common/list-request.ts";
import { mutate } from "../common/mutate.ts";
import { type Requester, ownerOf, requesterOf } from "../common/requester.ts";
import { type WireBoolean, pickFields, resourcesOf, toBoolean, toInteger } from "../common/wire.ts";
import { type CreateSubnet, createSubnets } from "./create-subnet.ts";
import { readSubnet, readSubnets } from "./read-subnets.ts";
import {
  type HostRoute,
  type Ipv6Mode,
  type Pool,
  readNameservers,
  readRoutes,
  readServiceTypes,
} from "./subnet.model.ts";
import { subnetAttributes } from "./subnet.schema.ts";
import { toSubnetView } from "./subnet.view.ts";
import { type UpdateSubnet, deleteSubnet, updateSubnet } from "./update-subnet.ts";

type Wire = {
  network_id: string;
  ip_version?: number | string;
  cidr?: string | null;
  subnetpool_id?: string | null;
  use_default_subnetpool?: WireBoolean;
  prefixlen?: number | string;
  name?: string;
  description?: string;
  gateway_ip?: string | null;
  allocation_pools?: Pool[] | null;
  dns_nameservers?: string[] | null;
  host_routes?: HostRoute[] | null;
  enable_dhcp?: WireBoolean;
  ipv6_ra_mode?: Ipv6Mode | null;
  ipv6_address_mode?: Ipv6Mode | null;
  service_types?: string[] | null;
  project_id?: string;
  tenant_id?: string;
};

export async function listSubnets(request: ApiRequest): Promise<Reply> {
  const list = readListRequest(request.query, subnetAttributes);
  const subnets = await readSubnets(request.app.db, requesterOf(request), list);
  return listReply(request, list, "subnets", subnets.map(toSubnetView));
}

export async function showSubnet(request: ApiRequest): Promise<Reply> {
  const subnet = await readSubnet(request.app.db, requesterOf(request), request.params["id"] ?? "");
  return ok({ subnet: pickFields(toSubnetView(subnet), request.query.all("fields")) });
}

function poolOf(wire: Wire): CreateSubnet["pool"] {
  const byDefault = toBoolean(wire.use_default_subnetpool ?? false);
  if (byDefault && wire.subnetpool_id)
    throw invalid("Bad subnets request: subnetpool_id and use_default_subnetpool cannot both be specified.");
  if (byDefault) return { default: true };
  return wire.subnetpool_id ? { id: wire.subnetpool_id } : undefined;
}

function toSubnet(requester: Requester, wire: Wire): CreateSubnet {
  return {
    projectId: ownerOf(requester, wire),
    networkId: wire.network_id,
    ipVersion: wire.ip_version === undefined ? undefined : Number(wire.ip_version) === 4 ? 4 : 6,
    cidr: wire.cidr ?? undefined,
    pool: poolOf(wire),
    prefixLength: wire.prefixlen === undefined ? undefined : toInteger(wire.prefixlen, "prefixlen", 0, 128),
    name: wire.name ?? "",
    description: wire.description ?? "",
    gatewayIp: wire.gateway_ip,
    allocationPools: wire.allocation_pools ?? undefined,
    dnsNameservers: readNameservers(wire.dns_nameservers ?? []),
    hostRoutes: readRoutes(wire.host_routes ?? [], "host_routes"),
    enableDhcp: toBoolean(wire.enable_dhcp ?? true),
    ipv6RaMode: wire.ipv6_ra_mode ?? null,
    ipv6AddressMode: wire.ipv6_address_mode ?? null,
    serviceTypes: readServiceTypes(wire.service_types ?? []),
  };
}

export async function createSubnetHandler(request: ApiRequest<{ [key: string]: Wire | Wire[] }>): Promise<Reply> {
  const requester = requesterOf(request);
  const { bulk, wires } = resourcesOf<Wire>(request.body, "subnet", "subnets");
  const wanted = wires.map((wire) => toSubnet(requester, wire));
  const views = (await mutate(request, (tx) => createSubnets(tx, requester, wanted))).map(toSubnetView);
  return created(bulk ? { subnets: views } : { subnet: views[0] });
}

function toChange(wire: Wire): UpdateSubnet {
  return {
    ...(wire.name === undefined ? {} : { name: wire.name }),
    ...(wire.description === undefined ? {} : { description: wire.description }),
    ...(wire.gateway_ip === undefined ? {} : { gatewayIp: wire.gateway_ip }),
    ...(wire.allocation_pools === undefined ? {} : { allocationPools: wire.allocation_pools ?? [] }),
    ...(wire.dns_nameservers === undefined ? {} : { dnsNameservers: readNameservers(wire.dns_nameservers ?? []) }),
    ...(wire.host_routes === undefined ? {} : { hostRoutes: readRoutes(wire.host_routes ?? [], "host_routes") }),
    ...(wire.service_types === undefined ? {} : { serviceTypes: readServiceTypes(wire.service_types ?? []) }),
    ...(wire.enable_dhcp === undefined ? {} : { enableDhcp: toBoolean(wire.enable_dhcp) }),
  };
}

export async function updateSubnetHandler(request: ApiRequest<{ subnet: Wire }>): Promise<Reply> {
  const change = toChange(request.body.subnet);
  const subnet = await mutate(request, (tx) =>
    updateSubnet(tx, requesterOf(request), request.params["id"] ?? "", change),
  );
  return ok({ subnet: toSubnetView(subnet) });
}

export async function deleteSubnetHandler(request: ApiRequest): Promise<Reply> {
  await mutate(request, (tx) => deleteSubnet(tx, requesterOf(request), request.params["id"] ?? ""));
  return noContent();
}
