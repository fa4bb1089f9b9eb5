/** Nova's actions on the security groups of a server's ports. */
import { transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import {
  type DescribedSecurityGroup,
  addServerSecurityGroup,
  describeSecurityGroupsById,
  networkingOfServer,
  removeServerSecurityGroup,
} from "../../network/public.ts";
import { asksAsAdmin } from "../common/actor.ts";
import { checkLock } from "./change-power.ts";
import { getServer, getServerLocked } from "./read-servers.ts";

export async function changeSecurityGroup(
  request: ApiRequest,
  id: string,
  name: string,
  verb: "add" | "remove",
): Promise<void> {
  await transact(request.app, request.origin, async (tx) => {
    const server = await getServerLocked(tx.sql, request, id);
    checkLock(request, server);
    const change = {
      serverId: server.id,
      projectId: server.projectId,
      isAdmin: asksAsAdmin(request),
      securityGroup: name,
    };
    await (verb === "add" ? addServerSecurityGroup(tx, change) : removeServerSecurityGroup(tx, change));
    tx.event({
      action: `compute.server.${verb}SecurityGroup`,
      target: { type: "server", id: server.id, projectId: server.projectId },
      detail: { security_group: name },
    });
  });
}

/** The groups of a server's ports. */
export async function readServerGroups(request: ApiRequest, id: string): Promise<DescribedSecurityGroup[]> {
  const server = await getServer(request, id);
  const { securityGroups } = await networkingOfServer(request.app.db, server.id);
  return describeSecurityGroupsById(
    request.app.db,
    securityGroups.map((group) => group.id),
  );
}
