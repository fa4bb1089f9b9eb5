import { invalid, notFound } from "@andromede/base/errors";

import type { Transaction } from "../../../db/transaction.ts";
import type { Port } from "../ports/port.model.ts";
import { lockPortsOfServer, updatePortRow } from "../ports/port.queries.ts";
import { lockSecurityGroups } from "../security-groups/security-group.queries.ts";
import { resolveSecurityGroups } from "./resolve-security-groups.ts";

type ServerGroup = { serverId: string; projectId: string; isAdmin: boolean; /** Name or id. */ securityGroup: string };

async function load(
  tx: Transaction,
  { serverId, projectId, isAdmin, securityGroup }: ServerGroup,
): Promise<{ id: string; ports: Port[] }> {
  const requester = { projectId, admin: isAdmin };
  const [id = ""] = await resolveSecurityGroups(tx, requester, [securityGroup]);
  const [held] = await lockSecurityGroups(tx.sql, requester, [id]);
  if (held === undefined) throw notFound(`Security group ${securityGroup} not found for project ${projectId}.`);
  return { id, ports: await lockPortsOfServer(tx.sql, serverId) };
}

async function setGroups(tx: Transaction, port: Port, securityGroupIds: string[]): Promise<void> {
  await updatePortRow(tx.sql, port.id, { ...port, securityGroupIds });
  tx.event({
    action: "network.port.update",
    target: { type: "port", id: port.id, projectId: port.projectId },
    detail: { securityGroupIds },
  });
  tx.enqueue(`port/${port.id}`);
}

/** Nova's action addSecurityGroup: on every port of the server that can have one. Unknown group 404, several of the name 409. */
export async function addServerSecurityGroup(tx: Transaction, request: ServerGroup): Promise<void> {
  const { id, ports } = await load(tx, request);
  const able = ports.filter((port) => port.portSecurityEnabled && port.fixedIps.length > 0);
  if (ports.length === 0 || able.length === 0) {
    throw invalid("Network requires port_security_enabled and subnet associated in order to apply security groups.");
  }
  for (const port of able)
    if (!port.securityGroupIds.includes(id)) await setGroups(tx, port, [...port.securityGroupIds, id]);
}

/** Nova's action removeSecurityGroup. Unknown group 404, not on any port of the server 404. */
export async function removeServerSecurityGroup(tx: Transaction, request: ServerGroup): Promise<void> {
  const { id, ports } = await load(tx, request);
  const held = ports.filter((port) => port.securityGroupIds.includes(id));
  if (held.length === 0) {
    throw notFound(`Security group ${request.securityGroup} not associated with the instance ${request.serverId}`);
  }
  for (const port of held)
    await setGroups(
      tx,
      port,
      port.securityGroupIds.filter((one) => one !== id),
    );
}
