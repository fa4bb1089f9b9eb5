/** network_data.json: links, networks and services of a server's interfaces, by OpenStack's schema of it. Pure. */
import type { ServerInterface } from "../../network/public.ts";

type Address = ServerInterface["addresses"][number];

export function toNetworkData(interfaces: ServerInterface[]): {
  links: object[];
  networks: object[];
  services: object[];
} {
  const links = interfaces.map((nic) => ({
    id: linkId(nic),
    vif_id: nic.id,
    // what OVN's ports are to a guest
    type: "ovs",
    mtu: nic.mtu,
    ethernet_mac_address: nic.macAddress,
  }));
  const networks: object[] = [];
  const services = new Map<string, object>();
  for (const nic of interfaces) {
    for (const address of nic.addresses) {
      networks.push(toNetwork(nic, address, networks.length));
      for (const server of address.subnet.dnsNameservers) services.set(server, { type: "dns", address: server });
    }
  }
  return { links, networks, services: [...services.values()] };
}

const linkId = (nic: ServerInterface): string => `tap${nic.id.slice(0, 11)}`;

function toNetwork(nic: ServerInterface, { address, subnet }: Address, index: number): object {
  const named = { id: `network${index}`, link: linkId(nic), network_id: nic.networkId };
  if (subnet.version === 4 && subnet.enableDhcp) return { ...named, type: "ipv4_dhcp" };
  const dynamic = dynamicType6(subnet);
  const prefix = Number(subnet.cidr.split("/")[1] ?? 0);
  const routes = subnet.hostRoutes.map(({ destination, nexthop }) => ({ ...toRoute(destination), gateway: nexthop }));
  const gateway =
    subnet.gatewayIp === null
      ? []
      : [{ ...toRoute(subnet.version === 4 ? "0.0.0.0/0" : "::/0"), gateway: subnet.gatewayIp }];
  return {
    ...named,
    type: dynamic ?? `ipv${subnet.version}`,
    ip_address: address,
    netmask: netmask(subnet.version, prefix),
    routes: [...gateway, ...routes],
    services: subnet.dnsNameservers.map((server) => ({ type: "dns", address: server })),
  };
}

function dynamicType6(subnet: Address["subnet"]): string | null {
  if (subnet.version !== 6) return null;
  const mode = subnet.ipv6AddressMode ?? subnet.ipv6RaMode;
  switch (mode) {
    case "slaac":
      return "ipv6_slaac";
    case "dhcpv6-stateful":
      return "ipv6_dhcpv6-stateful";
    case "dhcpv6-stateless":
      return "ipv6_dhcpv6-stateless";
    case null:
    default:
      return subnet.enableDhcp ? "ipv6_dhcp" : null;
  }
}

function toRoute(cidr: string): { network: string; netmask: string } {
  const [network = "", prefix = "0"] = cidr.split("/");
  return { network, netmask: netmask(network.includes(":") ? 6 : 4, Number(prefix)) };
}

function netmask(version: 4 | 6, prefix: number): string {
  const [size, count] = version === 4 ? [8, 4] : [16, 8];
  const parts = Array.from({ length: count }, (_, index) => {
    const bits = Math.max(0, Math.min(size, prefix - index * size));
    return (2 ** size - 1) ^ (2 ** (size - bits) - 1);
  });
  if (version === 4) return parts.join(".");
  // the zero tail is what "::" stands for; a mask never has zeros elsewhere
  const ones = parts.filter((part) => part !== 0).map((part) => part.toString(16));
  return ones.length === 8 ? ones.join(":") : `${ones.join(":")}::`;
}
