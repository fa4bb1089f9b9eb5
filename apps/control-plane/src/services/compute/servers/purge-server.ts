import type { App } from "../../../app.ts";
import type { Transaction } from "../../../db/transaction.ts";
import { lockServer, setDeleting } from "./server.queries.ts";

/** The registry's way to start a deletion; what follows is the reconciler's, as after DELETE. */
export async function removeServerForPurge(app: App, tx: Transaction, id: string): Promise<void> {
  const server = await lockServer(tx.sql, id, null);
  if (server === null || server.deleting) return;
  await setDeleting(tx.sql, id, new Date(app.clock.now()));
  tx.event({
    action: "compute.server.delete",
    target: { type: "server", id, projectId: server.projectId },
    detail: { purge: true },
  });
  tx.enqueue(`server/${id}`);
}
