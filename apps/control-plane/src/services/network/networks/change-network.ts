import { conflict, invalid } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";

import type { Transaction } from "../../../db/transaction.ts";
import type { Requester } from "../common/requester.ts";
import { EVERYBODY } from "../common/sharing.ts";
import { dropSharing, setOpenToAll } from "../common/sharing.queries.ts";
import { deletePortRow, listPortsBlockingNetwork, listAutoPorts, renewPorts } from "../ports/port.queries.ts";
import { changePolicy, checkPolicy } from "../qos/use-policy.ts";
import { findDefaultPolicyId } from "../qos/qos-policy.queries.ts";
import { dropExternalPolicies, isUsedWithoutWildcard } from "../rbac-policies/rbac-use.queries.ts";
import { reserveQuotas } from "../quotas/reserve-quota.ts";
import { type Network, type NetworkWithSubnets, checkOwner, networkInUse } from "./network.model.ts";
import {
  type InsertedNetwork,
  type NetworkChange,
  deleteNetworkRow,
  insertNetwork,
  isNetworkUsedAsExternal,
  listNetworkDependents,
  lockNetwork,
  updateNetworkRow,
} from "./network.queries.ts";

/** A policy of `undefined`: the project's default one, if it has any. */
export type CreateNetwork = Omit<InsertedNetwork, "id" | "sharedWith" | "externalTo" | "qosPolicyId"> & {
  shared: boolean;
  qosPolicyId: string | null | undefined;
};
export type UpdateNetwork = Omit<NetworkChange, "sharedWith" | "externalTo"> & { shared?: boolean };

const openTo = (open: boolean): string[] => (open ? [EVERYBODY] : []);

/** Who sees it, written down as RBAC policies too. */
async function openNetwork(tx: Transaction, { id, projectId, sharedWith, externalTo }: Network): Promise<void> {
  const object = { type: "network", id, projectId } as const;
  await Promise.all([
    sharedWith.includes(EVERYBODY) ? setOpenToAll(tx.sql, object, "access_as_shared", true, newUuid()) : undefined,
    externalTo.includes(EVERYBODY) ? setOpenToAll(tx.sql, object, "access_as_external", true, newUuid()) : undefined,
  ]);
}

export async function createNetworks(
  tx: Transaction,
  requester: Requester,
  wanted: CreateNetwork[],
): Promise<NetworkWithSubnets[]> {
  const policies = await Promise.all(
    wanted.map(({ qosPolicyId, projectId }) =>
      qosPolicyId === undefined ? findDefaultPolicyId(tx.sql, projectId) : checkPolicy(tx, requester, qosPolicyId),
    ),
  );
  const rows = wanted.map(({ shared, ...network }, index) => ({
    ...network,
    id: newUuid(),
    sharedWith: openTo(shared),
    externalTo: openTo(network.external),
    qosPolicyId: policies[index] ?? null,
  }));
  const [, made] = await Promise.all([
    reserveQuotas(
      tx.sql,
      "network",
      wanted.map((one) => one.projectId),
    ),
    Promise.all(rows.map((row) => insertNetwork(tx.sql, row))),
  ]);
  await Promise.all(made.map((network) => openNetwork(tx, network)));
  for (const { id, projectId, name } of made) {
    tx.event({ action: "network.network.create", target: { type: "network", id, projectId }, detail: { name } });
    tx.enqueue(`network/${id}`);
  }
  return made.map((network) => ({ ...network, subnetIds: [], ipv4AddressScope: null, ipv6AddressScope: null }));
}

export async function updateNetwork(
  tx: Transaction,
  requester: Requester,
  id: string,
  readChange: (network: Network) => UpdateNetwork,
): Promise<NetworkWithSubnets> {
  const network = await lockNetwork(tx.sql, id);
  checkOwner(network, requester, id, "update_network");
  const change = readChange(network);
  const sharing = await changeSharing(tx, network, change);
  await changePolicy(tx, requester, network.qosPolicyId, change.qosPolicyId);
  if (network.external && change.external === false && (await isNetworkUsedAsExternal(tx.sql, id))) {
    throw conflict(
      `External network ${id} cannot be updated to be made non-external, since it has existing gateway ports.`,
      {
        type: "ExternalNetworkInUse",
      },
    );
  }
  if (change.isDefault === true && !(change.external ?? network.external))
    throw invalid("Only an external network can be the default one.");
  const { shared: _, ...columns } = change;
  const changed = await updateNetworkRow(tx.sql, id, { ...columns, ...sharing });
  tx.event({ action: "network.network.update", target: { type: "network", id, projectId: network.projectId } });
  tx.enqueue(`network/${id}`);
  await enqueueDependents(tx, network, changed);
  return changed;
}

/** What shows the network's MTU, domain or policy in OVN is brought there again. */
async function enqueueDependents(tx: Transaction, network: Network, changed: Network): Promise<void> {
  const policy = changed.qosPolicyId !== network.qosPolicyId;
  // ports show the policy beside their own, and what was made of them before does not
  if (policy) await renewPorts(tx.sql, network.id);
  if (!policy && changed.mtu === network.mtu && changed.dnsDomain === network.dnsDomain) return;
  const { subnets, routerPorts, routers, ports, floatingIps } = await listNetworkDependents(tx.sql, network.id, policy);
  for (const floatingIpId of floatingIps) tx.enqueue(`floatingip/${floatingIpId}`);
  for (const subnetId of subnets) tx.enqueue(`subnet/${subnetId}`);
  for (const portId of [...routerPorts, ...ports]) tx.enqueue(`port/${portId}`);
  for (const routerId of routers) tx.enqueue(`router/${routerId}`);
}

/** `shared` and `router:external` are policies for everybody that come and go; a change that nobody asked for is none. */
async function changeSharing(
  tx: Transaction,
  network: Network,
  change: UpdateNetwork,
): Promise<Pick<NetworkChange, "sharedWith" | "externalTo">> {
  const { id, projectId, sharedWith, externalTo } = network;
  const object = { type: "network", id, projectId } as const;
  const wasShared = sharedWith.includes(EVERYBODY);
  const result: Pick<NetworkChange, "sharedWith" | "externalTo"> = {};
  if (change.shared !== undefined && change.shared !== wasShared) {
    if (!change.shared && (await isUsedWithoutWildcard(tx.sql, "network", object, sharedWith))) {
      throw conflict(
        `Unable to reconfigure sharing settings for network ${network.name}. Multiple tenants are using it.`,
        { type: "InvalidSharedSetting" },
      );
    }
    await setOpenToAll(tx.sql, object, "access_as_shared", change.shared, newUuid());
    result.sharedWith = [...openTo(change.shared), ...sharedWith.filter((one) => one !== EVERYBODY)];
  }
  if (change.external !== undefined && change.external !== network.external) {
    if (!change.external) await dropExternalPolicies(tx.sql, id);
    else await setOpenToAll(tx.sql, object, "access_as_external", true, newUuid());
    result.externalTo = change.external ? [...new Set([...externalTo, EVERYBODY])] : [];
  }
  return result;
}

export async function deleteNetwork(tx: Transaction, requester: Requester, id: string): Promise<void> {
  const network = await lockNetwork(tx.sql, id);
  checkOwner(network, requester, id, "delete_network");
  const [blocking, ours, { subnets }] = await Promise.all([
    listPortsBlockingNetwork(tx.sql, id),
    listAutoPorts(tx.sql, id),
    listNetworkDependents(tx.sql, id),
  ]);
  if (blocking.length > 0) throw networkInUse(id);
  await Promise.all(ours.map((portId) => deletePortRow(tx.sql, portId)));
  await Promise.all([deleteNetworkRow(tx.sql, id), dropSharing(tx.sql, id)]);
  tx.event({ action: "network.network.delete", target: { type: "network", id, projectId: network.projectId } });
  tx.enqueue(`network/${id}`);
  for (const portId of ours) tx.enqueue(`port/${portId}`);
  for (const subnetId of subnets) {
    tx.event({
      action: "network.subnet.delete",
      target: { type: "subnet", id: subnetId, projectId: network.projectId },
    });
    tx.enqueue(`subnet/${subnetId}`);
  }
}
