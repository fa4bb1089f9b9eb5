/** Finds what we own in OVN, so that rows whose resource is gone can be swept away. */
import { removeFloatingIp } from "../floating-ips/floating-ip.ovn.ts";
import { removeNetwork } from "../networks/network.ovn.ts";
import { removePort } from "../ports/port.ovn.ts";
import { removeRouter } from "../routers/router.ovn.ts";
import { removeRouterInterface } from "../routers/router-port.ovn.ts";
import { removeSecurityGroup } from "../security-groups/security-group.ovn.ts";
import { removeSubnet } from "../subnets/subnet.ovn.ts";
import { CLASS, ID, type OwnedClass } from "./names.ts";
import type { OvnNorthbound } from "./northbound.ts";

/** How each class is removed, in an order in which nothing is taken from under a later one. */
const REMOVERS: { readonly [Owner in OwnedClass]: (ovn: OvnNorthbound, id: string) => Promise<boolean> } = {
  floatingip: removeFloatingIp,
  port: removePort,
  router_port: removeRouterInterface,
  router: removeRouter,
  subnet: removeSubnet,
  network: removeNetwork,
  security_group: removeSecurityGroup,
};

/** The classes in the order in which a sweep removes them. */
export const OWNED_CLASSES = Object.keys(REMOVERS) as readonly OwnedClass[];

const TABLES = [
  "Logical_Switch",
  "Logical_Switch_Port",
  "Port_Group",
  "DHCP_Options",
  "DNS",
  "Logical_Router",
  "Logical_Router_Port",
  "Logical_Router_Static_Route",
  "NAT",
  "QoS",
  "Load_Balancer",
] as const;

/** Every id that has a row in OVN, by class. */
export async function listOwned(ovn: OvnNorthbound): Promise<{ readonly [Owner in OwnedClass]: ReadonlySet<string> }> {
  await ovn.ready(5_000);
  const owned = Object.fromEntries(OWNED_CLASSES.map((owner) => [owner, new Set<string>()])) as {
    [Owner in OwnedClass]: Set<string>;
  };
  for (const table of TABLES) {
    for (const { external_ids: ids } of ovn.client.table(table).rows.values()) {
      const owner = OWNED_CLASSES.find((each) => each === ids[CLASS]);
      const id = ids[ID];
      if (owner !== undefined && id !== undefined) owned[owner].add(id);
    }
  }
  return owned;
}

/** Removes whatever a resource has in OVN. */
export function removeOwned(ovn: OvnNorthbound, owner: OwnedClass, id: string): Promise<boolean> {
  return REMOVERS[owner](ovn, id);
}
