/** The network's own port: where OVN's DHCP answers from, and the metadata service. It has an address in each IPv4 subnet with DHCP. */
import type { Transaction } from "../../../db/transaction.ts";
import type { Network } from "../networks/network.model.ts";
import { type Allocation, prepareAllocation, startAllocation } from "../ports/allocate-address.ts";
import { releaseAddresses } from "../ports/ip-allocation.queries.ts";
import { freeMac } from "../ports/mac.ts";
import { makePort } from "../ports/make-port.ts";
import { type FixedIp, OWNER, type Port } from "../ports/port.model.ts";
import { lockDistributedPort, setFixedIps } from "../ports/port.queries.ts";
import type { Subnet } from "./subnet.model.ts";

const isServed = (subnet: Pick<Subnet, "ipVersion" | "enableDhcp">): boolean =>
  subnet.ipVersion === 4 && subnet.enableDhcp;

/** What `serveSubnet` must know; read behind the network's lock, so that it stays true. */
export type NetworkPort = { port: Port | null; macAddress: string };

export async function readNetworkPort(tx: Transaction, networkId: string): Promise<NetworkPort> {
  const [port, macAddress] = await Promise.all([lockDistributedPort(tx.sql, networkId), freeMac(tx.sql, networkId)]);
  return { port, macAddress };
}

/**
 * Brings the port's addresses in line with one subnet, which has just been made or changed. A subnet without a free
 * address is served without metadata. Sends everything at once; `known.port` is brought up to date for the next subnet.
 */
export async function serveSubnet(
  tx: Transaction,
  network: Pick<Network, "id" | "projectId">,
  subnet: Subnet,
  known: NetworkPort,
): Promise<void> {
  const { port } = known;
  const held = port?.fixedIps.find((ip) => ip.subnet_id === subnet.id);
  if (isServed(subnet) === (held !== undefined)) return;
  if (port !== null && held !== undefined) {
    const staying = port.fixedIps.filter((ip) => ip !== held);
    await Promise.all([releaseAddresses(tx.sql, port.id, [held.ip_address]), setFixedIps(tx.sql, port.id, staying)]);
    known.port = { ...port, fixedIps: staying };
    tx.enqueue(`port/${port.id}`);
    return;
  }
  known.port =
    port === null ? await makeNetworkPort(tx, network, subnet, known.macAddress) : await addAddress(tx, port, subnet);
}

async function addAddress(tx: Transaction, port: Port, subnet: Subnet): Promise<Port> {
  await prepareAllocation(tx.sql, subnet);
  const fixedIps = await settle(tx, port.id, subnet, port.fixedIps, startAllocation(tx.sql, subnet, port.id));
  tx.enqueue(`port/${port.id}`);
  return { ...port, fixedIps };
}

/** The row is sent with the address that will most likely be given, and put right should it be another. */
async function settle(
  tx: Transaction,
  portId: string,
  subnet: Subnet,
  held: FixedIp[],
  allocation: Allocation,
): Promise<FixedIp[]> {
  const withAddress = (address: string | null): FixedIp[] =>
    address === null ? held : [...held, { subnet_id: subnet.id, ip_address: address }];
  const guessing = setFixedIps(tx.sql, portId, withAddress(allocation.guess));
  guessing.catch(() => undefined);
  const taken = await allocation.taken;
  await guessing;
  if (taken !== allocation.guess) await setFixedIps(tx.sql, portId, withAddress(taken));
  return withAddress(taken);
}

async function makeNetworkPort(
  tx: Transaction,
  network: Pick<Network, "id" | "projectId">,
  subnet: Subnet,
  macAddress: string,
): Promise<Port> {
  const full = subnet.allocationPools.length === 0;
  const port = {
    projectId: network.projectId,
    network,
    macAddress,
    deviceId: `ovnmeta-${network.id}`,
    deviceOwner: OWNER.distributed,
    portSecurityEnabled: false,
  };
  if (!full) return makePort(tx, { ...port, subnets: [subnet], requested: undefined });
  return makePort(tx, { ...port, subnets: [], requested: [] });
}
