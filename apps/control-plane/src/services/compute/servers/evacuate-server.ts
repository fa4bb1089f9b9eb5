/** A server whose host is lost is made anew on another: its address and name, but what was on its disk is gone. */
import { invalid, notFound } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";

import type { ApiRequest } from "../../../http/service.ts";
import { bindPorts } from "../../network/public.ts";
import { isUp } from "../hosts/host.model.ts";
import { findHost, releaseHost } from "../hosts/host.queries.ts";
import { insertMigration } from "../migrations/migration.queries.ts";
import { NO_VALID_HOST } from "../placement/choose-host.ts";
import { claimBestHost, toDemand } from "../placement/place-server.ts";
import { checkLock, record } from "./change-power.ts";
import { getServer, getServerLocked } from "./read-servers.ts";
import { checkVmState, stateOf } from "./server.model.ts";
import { heldOnHost } from "./server-tasks.ts";
import { lockHosts, setTask } from "./task.queries.ts";
import { transact } from "../../../db/transaction.ts";
import { lockUsage } from "../quotas/project.queries.ts";

export async function evacuateServer(request: ApiRequest, id: string, wantedHost: string | null): Promise<void> {
  const { app } = request;
  const at = new Date(app.clock.now());
  const seen = await getServer(request, id);
  await transact(app, request.origin, async (tx) => {
    await lockUsage(tx.sql, seen.projectId);
    await lockHosts(tx.sql, [seen.host]);
    const server = await getServerLocked(tx.sql, request, id);
    checkLock(request, server);
    checkVmState(id, server, "evacuate", ["active", "stopped", "error"]);
    if (wantedHost !== null && (await findHost(tx.sql, { name: wantedHost })) === null)
      throw notFound(`Compute host ${wantedHost} not found.`);
    if (wantedHost !== null && wantedHost === server.host) throw invalid("The target host can't be the same one.");
    const source = server.host === null ? null : await findHost(tx.sql, { name: server.host });
    if (source === null) throw invalid(NO_VALID_HOST);
    if (isUp(source)) throw invalid(`Compute service of ${source.name} is still in use.`);
    const wish = {
      zone: server.wantedZone,
      host: wantedHost,
      hints: server.schedulerHints,
      projectId: server.projectId,
    };
    const demand = await toDemand(tx.sql, server.flavor, { ...wish, serverId: server.id });
    const room = heldOnHost(server);
    const claimed = await claimBestHost(tx.sql, { ...demand, ...room, notOn: [...demand.notOn, source.name] });
    if (claimed === null) throw invalid(NO_VALID_HOST);
    await releaseHost(tx.sql, source.name, room);
    const { vmState } = stateOf(server);
    const nonce = newUuid();
    const change = {
      task: "rebuilding",
      taskStep: "apply",
      taskVmState: vmState,
      power: vmState === "stopped" ? "stopped" : "running",
      powerNonce: nonce,
      host: claimed.host,
      availabilityZone: claimed.zone,
      diskImage: null,
      diskNonce: nonce,
      ephemeralNonce: nonce,
      faultCode: null,
      faultMessage: null,
      faultAt: null,
    } as const;
    await setTask(tx.sql, id, change, { bump: true, elsewhere: true, at });
    await bindPorts(tx, id, claimed.host);
    const flavors = { oldFlavorId: server.flavorId, newFlavorId: server.flavorId };
    const hosts = { sourceHost: source.name, destHost: claimed.host };
    const migration = { uuid: newUuid(), serverId: id, userId: request.actor.userId, ...hosts, ...flavors };
    await insertMigration(tx.sql, { ...migration, kind: "evacuation", status: "accepted" }, at);
    await record(request, tx, server, "evacuate");
    tx.enqueue(`server/${id}`);
  });
}
