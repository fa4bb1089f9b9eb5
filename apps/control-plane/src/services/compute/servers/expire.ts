/** What only stays for a while, and has. */
import { systemOrigin } from "@andromede/platform/events/append";

import type { App } from "../../../app.ts";
import { transact } from "../../../db/transaction.ts";
import { confirmResize } from "./confirm-resize.ts";
import type { Server } from "./server.model.ts";
import { lockServer, setDeleting } from "./server.queries.ts";
import { lockHosts, setTask } from "./task.queries.ts";
import { lockUsage } from "../quotas/project.queries.ts";

const origin = systemOrigin("server.expire");

export async function expire(app: App, server: Server, mode: "resized" | "shelved" | "soft-delete"): Promise<void> {
  const at = new Date(app.clock.now());
  await transact(app, origin, async (tx) => {
    await lockUsage(tx.sql, server.projectId);
    await lockHosts(tx.sql, [server.host, server.otherHost]);
    const current = await lockServer(tx.sql, server.id, null);
    if (current === null || current.mode !== mode || current.task !== null || current.deleting) return;
    tx.enqueue(`server/${server.id}`);
    if (mode === "resized") return confirmResize(tx, current, at);
    if (mode === "soft-delete") {
      await setDeleting(tx.sql, server.id, at);
      tx.event({
        action: "compute.server.delete",
        target: { type: "server", id: server.id, projectId: server.projectId },
        detail: { reclaimed: true },
      });
      return;
    }
    const change = { task: "shelving_offloading", taskStep: "offload", taskVmState: "shelved" } as const;
    await setTask(tx.sql, server.id, change, { bump: true, at });
  });
}
