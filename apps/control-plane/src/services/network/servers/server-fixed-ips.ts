import { invalid, notFound } from "@andromede/base/errors";

import type { Transaction } from "../../../db/transaction.ts";
import type { FixedIpWire } from "../ports/fixed-ips.plan.ts";
import type { Port } from "../ports/port.model.ts";
import { lockPortsOfServer } from "../ports/port.queries.ts";
import { updatePort } from "../ports/update-port.ts";
import { listSubnetsOfNetwork } from "../subnets/subnet.queries.ts";

type OfServer = { serverId: string; projectId: string; isAdmin: boolean };

/** Nova's action addFixedIp: one more address on the server's first port of a network. Not on that network: 404. */
export async function addServerFixedIp(tx: Transaction, request: OfServer & { networkId: string }): Promise<void> {
  const ports = await lockPortsOfServer(tx.sql, request.serverId);
  const port = ports.find((one) => one.networkId === request.networkId);
  if (port === undefined) throw notFound(`Network could not be found for instance ${request.serverId}.`);
  const subnets = await listSubnetsOfNetwork(tx.sql, request.networkId);
  const subnet = subnets.find((one) => one.ipVersion === 4) ?? subnets[0];
  if (subnet === undefined) throw invalid(`No fixed IP addresses available for network: ${request.networkId}`);
  await setFixedIps(tx, request, port, [...wireOf(port), { subnet_id: subnet.id }]);
}

/** Nova's action removeFixedIp. An address that none of the server's ports has: 400. */
export async function removeServerFixedIp(tx: Transaction, request: OfServer & { address: string }): Promise<void> {
  const ports = await lockPortsOfServer(tx.sql, request.serverId);
  const port = ports.find((one) => one.fixedIps.some((fixed) => fixed.ip_address === request.address));
  if (port === undefined) throw invalid(`Instance ${request.serverId} doesn't have fixed IP '${request.address}'.`);
  const left = wireOf(port).filter((fixed) => fixed.ip_address !== request.address);
  await setFixedIps(tx, request, port, left);
}

const wireOf = (port: Port): FixedIpWire[] =>
  port.fixedIps.map((fixed) => ({ subnet_id: fixed.subnet_id, ip_address: fixed.ip_address }));

async function setFixedIps(
  tx: Transaction,
  { projectId, isAdmin }: OfServer,
  port: Port,
  fixedIps: readonly FixedIpWire[],
): Promise<void> {
  await updatePort(tx, { projectId, admin: isAdmin }, port.id, { fixedIps });
}
