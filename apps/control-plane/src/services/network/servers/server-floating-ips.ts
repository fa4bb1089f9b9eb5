import { CloudError, conflict, invalid, notFound } from "@andromede/base/errors";

import type { Transaction } from "../../../db/transaction.ts";
import { updateFloatingIp } from "../floating-ips/change-floating-ip.ts";
import type { FloatingIpWithPort } from "../floating-ips/floating-ip.model.ts";
import { lockPortsOfServer } from "../ports/port.queries.ts";
import { listProjectFloatingIps } from "./legacy-lists.ts";

type OfServer = { serverId: string; projectId: string; address: string };

async function floatingIpOf(tx: Transaction, { projectId, address }: OfServer): Promise<FloatingIpWithPort> {
  const [found] = await listProjectFloatingIps(tx.sql, projectId, address);
  if (found === undefined) throw notFound("floating IP not found");
  return found;
}

/** Nova's action addFloatingIp: leads to one address of the server, the first of version 4 unless one is named. */
export async function addServerFloatingIp(
  tx: Transaction,
  request: OfServer & { fixedAddress: string | null },
): Promise<void> {
  const { id } = await floatingIpOf(tx, request);
  const ports = await lockPortsOfServer(tx.sql, request.serverId);
  const addresses = ports.flatMap((port) =>
    port.fixedIps.map((fixed) => ({ portId: port.id, fixedIpAddress: fixed.ip_address })),
  );
  const { fixedAddress } = request;
  const target = addresses.find(({ fixedIpAddress }) =>
    fixedAddress === null ? !fixedIpAddress.includes(":") : fixedIpAddress === fixedAddress,
  );
  if (target === undefined) {
    throw invalid(
      fixedAddress === null
        ? "No fixed IPs associated to instance"
        : "Specified fixed address not assigned to instance",
    );
  }
  try {
    await updateFloatingIp(tx, { projectId: request.projectId, admin: false }, id, target);
  } catch (error) {
    // there is no way from outside to the server's network
    if (!(error instanceof CloudError) || error.kind !== "notFound") throw error;
    throw invalid(`Unable to associate floating IP ${request.address} to fixed IP ${target.fixedIpAddress}.`, {
      cause: error,
    });
  }
}

/** Nova's action removeFloatingIp. One that leads elsewhere, or nowhere: 409. */
export async function removeServerFloatingIp(tx: Transaction, request: OfServer): Promise<void> {
  const { id, portId } = await floatingIpOf(tx, request);
  const ports = await lockPortsOfServer(tx.sql, request.serverId);
  if (!ports.some((port) => port.id === portId)) {
    throw conflict(`Floating IP ${request.address} is not associated with instance ${request.serverId}.`);
  }
  await updateFloatingIp(tx, { projectId: request.projectId, admin: false }, id, { portId: null });
}
