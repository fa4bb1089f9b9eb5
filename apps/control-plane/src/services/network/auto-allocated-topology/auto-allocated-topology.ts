/** Neutron's "get me a network": a network with a subnet of each default pool, and a router from there to the way out. */
import { conflict } from "@andromede/base/errors";
import type { Queryable } from "@andromede/platform/db/database";

import type { Transaction } from "../../../db/transaction.ts";
import type { Requester } from "../common/requester.ts";
import { createNetworks, deleteNetwork } from "../networks/change-network.ts";
import { readMtu } from "../networks/network.model.ts";
import { reserveQuota } from "../quotas/reserve-quota.ts";
import { createRouter, deleteRouter } from "../routers/change-router.ts";
import { addInterface, removeInterface } from "../routers/router-interface.ts";
import { listLegs } from "../routers/router.queries.ts";
import { createSubnets } from "../subnets/create-subnet.ts";
import { deleteTopologyRow, findDefaults, findTopology, insertTopology } from "./auto-allocated-topology.queries.ts";

const failure = (reason: string) => conflict(`Deployment error: ${reason}.`, { type: "AutoAllocationFailure" });

/** What there must be before a topology can be made; throws when it is not. */
export async function checkRequirements(
  sql: Queryable,
): Promise<{ externalNetworkId: string; pools: { id: string; ipVersion: 4 | 6 }[] }> {
  const { externalNetworkId, pools } = await findDefaults(sql);
  if (externalNetworkId === null) throw failure("No default router:external network");
  if (pools.length === 0) throw failure("No default subnetpools defined");
  return { externalNetworkId, pools };
}

export const readTopology = (sql: Queryable, projectId: string) => findTopology(sql, projectId);

/** The project's topology, made when there is none. Gives its network. One at a time: the project's row is held. */
export async function ensureTopology(tx: Transaction, projectId: string): Promise<string> {
  await reserveQuota(tx.sql, projectId, { network: 0 });
  const held = await findTopology(tx.sql, projectId);
  if (held !== null) return held.networkId;
  const { externalNetworkId, pools } = await checkRequirements(tx.sql);
  // default pools need not be shared with the project that is given a part of them
  const cloud: Requester = { projectId, admin: true };
  const network = await makeNetwork(tx, cloud);
  const subnets = await createSubnets(
    tx,
    cloud,
    pools.map(({ id, ipVersion }) => subnetOf(projectId, network.id, { id, ipVersion })),
  );
  const router = await createRouter(tx, cloud, {
    projectId,
    name: "auto_allocated_router",
    description: "",
    adminStateUp: true,
    availabilityZoneHints: [],
    gateway: { networkId: externalNetworkId, enableSnat: undefined, fixedIps: undefined },
  });
  for (const { id } of subnets) await addInterface(tx, cloud, router.id, { subnetId: id, portId: undefined });
  await insertTopology(tx.sql, projectId, { networkId: network.id, routerId: router.id });
  return network.id;
}

async function makeNetwork(tx: Transaction, requester: Requester): Promise<{ id: string }> {
  const [network] = await createNetworks(tx, requester, [
    {
      projectId: requester.projectId,
      name: "auto_allocated_network",
      description: "",
      adminStateUp: true,
      shared: false,
      external: false,
      isDefault: false,
      mtu: readMtu(undefined, "geneve"),
      portSecurityEnabled: true,
      dnsDomain: "",
      networkType: "geneve",
      physicalNetwork: null,
      segmentationId: null,
      qosPolicyId: undefined,
      availabilityZoneHints: [],
    },
  ]);
  if (network === undefined) throw new Error("no network was made");
  return network;
}

const subnetOf = (projectId: string, networkId: string, pool: { id: string; ipVersion: 4 | 6 }) => ({
  projectId,
  networkId,
  ipVersion: pool.ipVersion,
  cidr: undefined,
  pool: { id: pool.id },
  prefixLength: undefined,
  name: `auto_allocated_subnet_v${pool.ipVersion}`,
  description: "",
  gatewayIp: undefined,
  allocationPools: undefined,
  dnsNameservers: [],
  hostRoutes: [],
  enableDhcp: true,
  // hosts behind the router hear from it what their addresses are
  ipv6RaMode: pool.ipVersion === 6 ? ("slaac" as const) : null,
  ipv6AddressMode: pool.ipVersion === 6 ? ("slaac" as const) : null,
  serviceTypes: [],
});

/** All of it goes, unless something is in use. Nothing there: nothing to do. */
export async function deleteTopology(tx: Transaction, projectId: string): Promise<void> {
  const topology = await findTopology(tx.sql, projectId);
  if (topology === null) return;
  const cloud: Requester = { projectId, admin: true };
  await deleteTopologyRow(tx.sql, projectId);
  if (topology.routerId !== null) {
    const legs = await listLegs(tx.sql, topology.routerId);
    const inside = legs.filter((leg) => leg.deviceOwner === "network:router_interface").map((leg) => leg.portId);
    for (const portId of new Set(inside))
      await removeInterface(tx, cloud, topology.routerId, { portId, subnetId: undefined });
    await deleteRouter(tx, cloud, topology.routerId);
  }
  await deleteNetwork(tx, cloud, topology.networkId);
}
