/** Three servers on networks of their own, made over the API at once, so that they boot side by side. */
import { readFileSync } from "node:fs";

import type { Cloud as Api } from "@andromede/openstack-client/client";
import { createKeypair } from "@andromede/openstack-client/compute";
import {
  addRouterInterface,
  createFloatingIp,
  createNetwork,
  createRouter,
  createSecurityGroup,
  createSecurityGroupRule,
  createSubnet,
  listNetworks,
} from "@andromede/openstack-client/network";

import type { Key } from "../support/guest.ts";
import { untilActive } from "../support/api.ts";

export type Port = {
  id: string;
  mac_address: string;
  network_id: string;
  device_id: string;
  fixed_ips: { subnet_id: string; ip_address: string }[];
};
export type Guest = { id: string; name: string; address: string; floatingId: string };
export type World = {
  key: Key;
  /** IPv4 with DHCP and IPv6 by router advertisements. */
  dual: { id: string; name: string };
  /** Nobody announces addresses here. */
  fixed: { id: string; name: string };
  /** To be plugged in later. */
  spare: { id: string; name: string; subnetId: string };
  publicId: string;
  groupId: string;
  routerId: string;
};

export const GROUP = "deed-group";
export const KEY = "deed-key";
export const NAMESERVER = "192.0.2.53";

export async function makeWorld(api: Api, key: Key): Promise<World> {
  const [outside] = await listNetworks(api, { name: "public" });
  if (outside === undefined) throw new Error("there is no external network");
  const [dual, fixed, spare, router, group] = await Promise.all([
    createNetwork(api, { name: "deed-dual" }),
    createNetwork(api, { name: "deed-fixed" }),
    createNetwork(api, { name: "deed-spare" }),
    createRouter(api, { name: "deed-router", external_gateway_info: { network_id: outside.id } }),
    createSecurityGroup(api, { name: GROUP, description: "" }),
    createKeypair(api, KEY, readFileSync(key.publicFile, "utf8")),
  ]);
  const [v4, v6, still, spareSubnet] = await Promise.all([
    createSubnet(api, { name: "deed-v4", network_id: dual.id, cidr: "10.46.0.0/24", ip_version: 4 }),
    createSubnet(api, {
      name: "deed-v6",
      network_id: dual.id,
      cidr: "fd46::/64",
      ip_version: 6,
      ipv6_ra_mode: "slaac",
      ipv6_address_mode: "slaac",
    }),
    createSubnet(api, {
      name: "deed-still",
      network_id: fixed.id,
      cidr: "10.47.0.0/22",
      ip_version: 4,
      enable_dhcp: false,
      dns_nameservers: [NAMESERVER],
    }),
    createSubnet(api, { name: "deed-spare", network_id: spare.id, cidr: "10.48.0.0/24", ip_version: 4 }),
    ...(["IPv4", "IPv6"] as const).map((ethertype) =>
      createSecurityGroupRule(api, {
        security_group_id: group.id,
        direction: "ingress",
        ethertype,
        protocol: ethertype === "IPv4" ? "icmp" : "ipv6-icmp",
      }),
    ),
    createSecurityGroupRule(api, {
      security_group_id: group.id,
      direction: "ingress",
      ethertype: "IPv4",
      protocol: "tcp",
      port_range_min: 22,
      port_range_max: 22,
    }),
  ] as const);
  for (const subnet of [v4, v6, still]) await addRouterInterface(api, router.id, subnet.id);
  return {
    key,
    dual,
    fixed,
    spare: { ...spare, subnetId: spareSubnet.id },
    publicId: outside.id,
    groupId: group.id,
    routerId: router.id,
  };
}

/** Starts a server of the image mini; the id. */
export async function start(api: Api, name: string, networkId: string, more: object = {}): Promise<string> {
  const { images } = await api.call<{ images: { id: string }[] }>("image", "GET", "/v2/images", {
    query: { name: "mini" },
  });
  const { flavors } = await api.call<{ flavors: { id: string; name: string }[] }>("compute", "GET", "/flavors");
  const server = {
    name,
    imageRef: images[0]?.id,
    flavorRef: flavors.find((flavor) => flavor.name === "mini.tiny")?.id,
    networks: [{ uuid: networkId }],
    ...more,
  };
  return (await api.call<{ server: { id: string } }>("compute", "POST", "/servers", { body: { server } })).server.id;
}

/** Waits for ACTIVE and gives the server a floating address. */
export async function reach(api: Api, world: World, name: string, id: string): Promise<Guest> {
  await untilActive(api, id);
  const port = (await portsOf(api, id))[0];
  if (port === undefined) throw new Error(`server ${name} has no port`);
  const floating = await createFloatingIp(api, { floating_network_id: world.publicId, port_id: port.id });
  return { id, name, address: floating.floating_ip_address, floatingId: floating.id };
}

export const portsOf = async (api: Api, serverId: string): Promise<Port[]> =>
  (await api.call<{ ports: Port[] }>("network", "GET", "/v2.0/ports", { query: { device_id: serverId } })).ports;

/** What the project is told that it uses, of servers and of networks. */
export async function usage(api: Api): Promise<{ [name: string]: number }> {
  const { projectId } = await api.session();
  const { limits } = await api.call<{ limits: { absolute: { [name: string]: number } } }>("compute", "GET", "/limits");
  const { quota } = await api.call<{ quota: { [name: string]: { used: number } } }>(
    "network",
    "GET",
    `/v2.0/quotas/${projectId}/details`,
  );
  return Object.fromEntries([
    ...Object.entries(limits.absolute).filter(([name]) => name.startsWith("total")),
    ...Object.entries(quota).map(([name, { used }]) => [name, used]),
  ]);
}

/** RFC 4291, appendix A: the address a card gives itself below a prefix of 64 bits. */
export function eui64(prefix: string, mac: string): string {
  const bytes = mac.split(":").map((byte) => Number.parseInt(byte, 16));
  const [first = 0, second = 0, third = 0, fourth = 0, fifth = 0, sixth = 0] = bytes;
  const words = [((first ^ 2) << 8) | second, (third << 8) | 0xff, 0xfe00 | fourth, (fifth << 8) | sixth];
  return `${prefix}${words.map((word) => word.toString(16)).join(":")}`;
}

/** Takes everything away again. */
export async function unmakeWorld(api: Api, world: World): Promise<void> {
  const remove = (path: string): Promise<void> => api.call("network", "DELETE", `/v2.0/${path}`);
  const { floatingips } = await api.call<{ floatingips: { id: string }[] }>("network", "GET", "/v2.0/floatingips", {
    query: { floating_network_id: world.publicId },
  });
  for (const { id } of floatingips) await remove(`floatingips/${id}`);
  const inner = await portsOf(api, world.routerId);
  for (const { id } of inner) {
    await api.call("network", "PUT", `/v2.0/routers/${world.routerId}/remove_router_interface`, {
      body: { port_id: id },
    });
  }
  await remove(`routers/${world.routerId}`);
  for (const { id } of [world.dual, world.fixed, world.spare]) await remove(`networks/${id}`);
  await remove(`security-groups/${world.groupId}`);
}
