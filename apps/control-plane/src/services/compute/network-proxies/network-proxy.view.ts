/** What Nova shows of networks and floating IPs (Compute API, the deprecated `os-networks`, `os-floating-ips` ...). Pure. */
import type { FloatingIpWithPort } from "../../network/public.ts";

type Named = { id: string; name: string };

/** Thirty fields, of which two still say something. */
const OF_ALL = ["cidr", "netmask", "gateway", "broadcast", "dns1", "dns2", "cidr_v6", "gateway_v6", "netmask_v6"];
const OF_OPERATORS = [
  "created_at",
  "updated_at",
  "deleted_at",
  "deleted",
  "injected",
  "bridge",
  "vlan",
  "vpn_public_address",
  "vpn_public_port",
  "vpn_private_address",
  "dhcp_start",
  "project_id",
  "host",
  "bridge_interface",
  "multi_host",
  "priority",
  "rxtx_base",
  "mtu",
  "dhcp_server",
  "enable_dhcp",
  "share_address",
];

export const toNetworkProxy = (network: Named, isAdmin: boolean): object => ({
  id: network.id,
  label: network.name,
  ...Object.fromEntries([...OF_ALL, ...(isAdmin ? OF_OPERATORS : [])].map((name) => [name, null])),
});

export const toTenantNetwork = (network: Named): object => ({ id: network.id, cidr: "None", label: network.name });

export const toFloatingIpProxy = (floatingIp: FloatingIpWithPort, pool: Named): object => ({
  id: floatingIp.id,
  ip: floatingIp.floatingIpAddress,
  pool: pool.name === "" ? pool.id : pool.name,
  fixed_ip: floatingIp.fixedIpAddress,
  instance_id:
    floatingIp.portDetails === null || floatingIp.portDetails.deviceId === "" ? null : floatingIp.portDetails.deviceId,
});
