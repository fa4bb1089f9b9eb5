/** Nova's actions on the security groups of a server's ports. */
import { transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { addServerSecurityGroup, removeServerSecurityGroup, securityGroupsOfServers } from "../../network/public.ts";
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

/** Names and ids of the groups of a server. */
export async function readServerGroups(request: ApiRequest, id: string): Promise<{ id: string; name: string }[]> {
  const server = await getServer(request, id);
  return (await securityGroupsOfServers(request.app.db, [server.id])).get(server.id) ?? [];
}
