/** A server's interface on the wire. Pure. */
import type { ServerPort } from "../../network/public.ts";

export const toInterfaceView = (port: ServerPort, version: number): object => ({
  port_id: port.id,
  net_id: port.networkId,
  mac_addr: port.macAddress,
  port_state: port.status,
  fixed_ips: port.fixedIps.map((fixed) => ({ subnet_id: fixed.subnetId, ip_address: fixed.ipAddress })),
  ...(version >= 70 ? { tag: port.tag } : {}),
});
