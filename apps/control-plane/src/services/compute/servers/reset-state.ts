/** An operator's word against what was found. */
import { newUuid } from "@andromede/base/ids";

import { transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { lockUsage } from "../quotas/project.queries.ts";
import { record } from "./change-power.ts";
import { getServer, getServerLocked } from "./read-servers.ts";
import { abandonTask } from "./run-task.ts";
import { setFault, setPower } from "./server.queries.ts";
import { lockHosts, setTask } from "./task.queries.ts";

/** `error` until further notice, or another try at what is wanted. Either way whatever is under way is given up. */
export async function resetState(request: ApiRequest, id: string, state: "active" | "error"): Promise<void> {
  const at = new Date(request.app.clock.now());
  const seen = await getServer(request, id);
  await transact(request.app, request.origin, async (tx) => {
    await lockUsage(tx.sql, seen.projectId);
    await lockHosts(tx.sql, [seen.host, seen.otherHost]);
    const server = await getServerLocked(tx.sql, request, id);
    const { power } = server;
    const isImage = server.taskStep === "image";
    // the image itself goes on: it takes nothing from the server
    if (isImage) await setTask(tx.sql, id, { task: null, taskStep: null, taskVmState: null }, { bump: false, at });
    else if (server.task !== null) await abandonTask(tx, server, "An operator reset the server's state.", at);
    if (state === "error")
      await setFault(tx.sql, id, { code: 500, message: "An operator put the server into the state ERROR." }, at);
    else await setPower(tx.sql, id, { power, powerNonce: newUuid(), reboot: null }, { bump: true, at });
    await record(request, tx, server, "resetState", true);
    tx.enqueue(`server/${id}`);
  });
}
