/** Neutron v2.0, as far as we call it ourselves. Paths begin with /v2.0: the catalog names the service without it. */
import type { Cloud } from "./client.ts";

export type Network = { id: string; name: string; status: string; "router:external"?: boolean };
export type Subnet = { id: string; name: string; network_id: string; cidr: string };
export type Router = { id: string; name: string; status: string; external_gateway_info: { network_id: string } | null };
export type Port = {
  id: string;
  network_id: string;
  device_id: string;
  device_owner: string;
  status: string;
  fixed_ips: { subnet_id: string; ip_address: string }[];
};
export type FloatingIp = {
  id: string;
  floating_ip_address: string;
  port_id: string | null;
  status: string;
  description?: string;
};
export type SecurityGroup = { id: string; name: string };
export type SecurityGroupRule = {
  id: string;
  direction: string;
  protocol: string | null;
  port_range_min: number | null;
  port_range_max: number | null;
  ethertype: string;
  remote_ip_prefix: string | null;
  remote_group_id: string | null;
};

type Filters = { [name: string]: string | number | boolean };

/** Lists one collection, e.g. `listOf<Network>(cloud, "networks", { name: "public" })`. */
export async function listOf<T>(cloud: Cloud, collection: string, filters: Filters = {}): Promise<T[]> {
  const body = await cloud.call<{ [name: string]: T[] }>("network", "GET", `/v2.0/${collection.replaceAll("_", "-")}`, {
    query: filters,
  });
  return body[collection.replaceAll("-", "_")] ?? [];
}

async function create<T>(cloud: Cloud, collection: string, name: string, value: object): Promise<T> {
  const body = await cloud.call<{ [name: string]: T }>("network", "POST", `/v2.0/${collection}`, {
    body: { [name]: value },
  });
  const made = body[name];
  if (made === undefined) throw new TypeError(`the answer to POST ${collection} has no ${name}`);
  return made;
}

export const listNetworks = (cloud: Cloud, filters?: Filters): Promise<Network[]> => listOf(cloud, "networks", filters);
export const createNetwork = (cloud: Cloud, network: { name: string; [field: string]: unknown }): Promise<Network> =>
  create(cloud, "networks", "network", network);
export const listSubnets = (cloud: Cloud, filters?: Filters): Promise<Subnet[]> => listOf(cloud, "subnets", filters);
export const createSubnet = (
  cloud: Cloud,
  subnet: { name: string; network_id: string; cidr: string; ip_version: 4 | 6; [field: string]: unknown },
): Promise<Subnet> => create(cloud, "subnets", "subnet", subnet);
export const listRouters = (cloud: Cloud, filters?: Filters): Promise<Router[]> => listOf(cloud, "routers", filters);
export const createRouter = (
  cloud: Cloud,
  router: { name: string; external_gateway_info?: { network_id: string } },
): Promise<Router> => create(cloud, "routers", "router", router);
export const listPorts = (cloud: Cloud, filters?: Filters): Promise<Port[]> => listOf(cloud, "ports", filters);
export const listFloatingIps = (cloud: Cloud, filters?: Filters): Promise<FloatingIp[]> =>
  listOf(cloud, "floatingips", filters);
export const createFloatingIp = (
  cloud: Cloud,
  floatingip: { floating_network_id: string; port_id?: string; description?: string },
): Promise<FloatingIp> => create(cloud, "floatingips", "floatingip", floatingip);
export const listSecurityGroups = (cloud: Cloud, filters?: Filters): Promise<SecurityGroup[]> =>
  listOf(cloud, "security_groups", filters);
export const createSecurityGroup = (
  cloud: Cloud,
  group: { name: string; description: string },
): Promise<SecurityGroup> => create(cloud, "security-groups", "security_group", group);
export const listSecurityGroupRules = (cloud: Cloud, filters?: Filters): Promise<SecurityGroupRule[]> =>
  listOf(cloud, "security_group_rules", filters);
export const createSecurityGroupRule = (
  cloud: Cloud,
  rule: {
    security_group_id: string;
    direction: "ingress" | "egress";
    ethertype: "IPv4" | "IPv6";
    protocol?: string;
    port_range_min?: number;
    port_range_max?: number;
    remote_ip_prefix?: string;
  },
): Promise<SecurityGroupRule> => create(cloud, "security-group-rules", "security_group_rule", rule);

export async function setRouterGateway(cloud: Cloud, routerId: string, networkId: string): Promise<void> {
  await cloud.call("network", "PUT", `/v2.0/routers/${routerId}`, {
    body: { router: { external_gateway_info: { network_id: networkId } } },
  });
}

export async function addRouterInterface(cloud: Cloud, routerId: string, subnetId: string): Promise<void> {
  await cloud.call("network", "PUT", `/v2.0/routers/${routerId}/add_router_interface`, {
    body: { subnet_id: subnetId },
  });
}

export async function associateFloatingIp(cloud: Cloud, id: string, portId: string): Promise<void> {
  await cloud.call("network", "PUT", `/v2.0/floatingips/${id}`, { body: { floatingip: { port_id: portId } } });
}
