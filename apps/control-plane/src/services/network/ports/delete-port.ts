import { conflict, forbidden } from "@andromede/base/errors";

import type { Transaction } from "../../../db/transaction.ts";
import type { Requester } from "../common/requester.ts";
import { clearFloatingIps } from "../floating-ips/clear-floating-ips.ts";
import { dropTrunkOf, refuseInTrunk } from "../trunks/change-trunk.ts";
import { type Port, isOurs, portNotFound } from "./port.model.ts";
import { deletePortRow, lockVisiblePort } from "./port.queries.ts";

export async function deletePort(tx: Transaction, requester: Requester, id: string): Promise<void> {
  const port = await lockVisiblePort(tx.sql, requester, id);
  if (port === null) throw portNotFound(id);
  if (!requester.admin && port.projectId !== requester.projectId && port.networkProjectId !== requester.projectId) {
    throw forbidden("rule:delete_port is disallowed by policy", { type: "PolicyNotAuthorized" });
  }
  if (isOurs(port.deviceOwner)) {
    throw conflict(`Port ${id} cannot be deleted directly via the port API: has device owner ${port.deviceOwner}.`, {
      type: "ServicePortInUse",
    });
  }
  await refuseInTrunk(tx, id);
  await dropPort(tx, port);
}

/** The port, its addresses and what hung on them, without asking who wants it. */
export async function dropPort(
  tx: Transaction,
  port: Pick<Port, "id" | "projectId" | "networkProjectId" | "serverId">,
): Promise<void> {
  await dropTrunkOf(tx, port.id);
  // sent together, done in this order
  await Promise.all([clearFloatingIps(tx, port.id), deletePortRow(tx.sql, port.id)]);
  tx.event({
    action: "network.port.delete",
    target: { type: "port", id: port.id, projectId: port.projectId === "" ? port.networkProjectId : port.projectId },
  });
  tx.enqueue(`port/${port.id}`);
  if (port.serverId !== null) tx.enqueue(`server/${port.serverId}`);
}
