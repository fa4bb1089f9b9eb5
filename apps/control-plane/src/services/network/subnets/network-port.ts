/** The network's own port: where OVN's DHCP answers from, and the metadata service. It has an address in each IPv4 subnet with DHCP. */
import type { Transaction } from "../../../db/transaction.ts";
import type { Network } from "../networks/network.model.ts";
import { takeAnyAddress } from "../ports/allocate-address.ts";
import { releaseAddresses } from "../ports/ip-allocation.queries.ts";
import { freeMac } from "../ports/mac.ts";
import { makePort } from "../ports/make-port.ts";
import { OWNER } from "../ports/port.model.ts";
import { lockDistributedPort, setFixedIps } from "../ports/port.queries.ts";
import type { Subnet } from "./subnet.model.ts";

const isServed = (subnet: Subnet): boolean => subnet.ipVersion === 4 && subnet.enableDhcp;

/** Brings the port's addresses in line with one subnet. The caller holds the network. A subnet without a free address is served without metadata. */
export async function serveSubnet(tx: Transaction, network: Pick<Network, "id" | "projectId">, subnet: Subnet): Promise<void> {
  const port = await lockDistributedPort(tx.sql, network.id);
  const held = port?.fixedIps.find((ip) => ip.subnet_id === subnet.id);
  if (isServed(subnet) === (held !== undefined)) return;
  if (port !== null && held !== undefined) {
    await Promise.all([
      releaseAddresses(tx.sql, port.id, [held.ip_address]),
      setFixedIps(tx.sql, port.id, port.fixedIps.filter((ip) => ip !== held)),
    ]);
    tx.enqueue(`port/${port.id}`);
    return;
  }
  const { id } = port ?? (await makeNetworkPort(tx, network));
  const address = await takeAnyAddress(tx.sql, subnet, id);
  if (address === null) return;
  await setFixedIps(tx.sql, id, [...(port?.fixedIps ?? []), { subnet_id: subnet.id, ip_address: address }]);
  tx.enqueue(`port/${id}`);
}

async function makeNetworkPort(tx: Transaction, network: Pick<Network, "id" | "projectId">) {
  return makePort(tx, {
    projectId: network.projectId,
    network,
    subnets: [],
    requested: [],
    macAddress: await freeMac(tx.sql, network.id),
    deviceId: `ovnmeta-${network.id}`,
    deviceOwner: OWNER.distributed,
    portSecurityEnabled: false,
  });
}
