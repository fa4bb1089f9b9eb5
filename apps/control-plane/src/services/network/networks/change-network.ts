import { conflict, invalid } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";

import type { Transaction } from "../../../db/transaction.ts";
import type { Requester } from "../common/requester.ts";
import { deletePortRow, listPortsBlockingNetwork, listAutoPorts } from "../ports/port.queries.ts";
import { reserveQuotas } from "../quotas/reserve-quota.ts";
import { type Network, type NetworkWithSubnets, checkOwner, networkInUse } from "./network.model.ts";
import {
  type InsertedNetwork,
  type NetworkChange,
  deleteNetworkRow,
  insertNetwork,
  isNetworkUsedAsExternal,
  isNetworkUsedByOthers,
  listNetworkDependents,
  lockNetwork,
  updateNetworkRow,
} from "./network.queries.ts";

export async function createNetworks(
  tx: Transaction,
  wanted: Omit<InsertedNetwork, "id">[],
): Promise<NetworkWithSubnets[]> {
  const rows = wanted.map((network) => ({ ...network, id: newUuid() }));
  const [, made] = await Promise.all([
    reserveQuotas(
      tx.sql,
      "network",
      wanted.map((one) => one.projectId),
    ),
    Promise.all(rows.map((row) => insertNetwork(tx.sql, row))),
  ]);
  for (const { id, projectId, name } of made) {
    tx.event({ action: "network.network.create", target: { type: "network", id, projectId }, detail: { name } });
    tx.enqueue(`network/${id}`);
  }
  return made.map((network) => ({ ...network, subnetIds: [] }));
}

export async function updateNetwork(
  tx: Transaction,
  requester: Requester,
  id: string,
  readChange: (network: Network) => NetworkChange,
): Promise<NetworkWithSubnets> {
  const network = await lockNetwork(tx.sql, id);
  checkOwner(network, requester, id, "update_network");
  const change = readChange(network);
  if (network.shared && change.shared === false && (await isNetworkUsedByOthers(tx.sql, network))) {
    throw conflict(
      `Unable to reconfigure sharing settings for network ${network.name}. Multiple tenants are using it.`,
      {
        type: "InvalidSharedSetting",
      },
    );
  }
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
  const changed = await updateNetworkRow(tx.sql, id, change);
  tx.event({ action: "network.network.update", target: { type: "network", id, projectId: network.projectId } });
  tx.enqueue(`network/${id}`);
  if (changed.mtu !== network.mtu || changed.dnsDomain !== network.dnsDomain) {
    const { subnets, routerPorts, routers, ports } = await listNetworkDependents(tx.sql, id);
    for (const subnetId of subnets) tx.enqueue(`subnet/${subnetId}`);
    for (const portId of [...routerPorts, ...ports]) tx.enqueue(`port/${portId}`);
    for (const routerId of routers) tx.enqueue(`router/${routerId}`);
  }
  return changed;
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
  await deleteNetworkRow(tx.sql, id);
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
