/** The new flavor stays. */
import type { Transaction } from "../../../db/transaction.ts";
import { endMigration } from "../migrations/migration.queries.ts";
import { giveBack } from "./run-task.ts";
import type { Server } from "./server.model.ts";
import { setTask } from "./task.queries.ts";

/** `server` is held, and so are its project's usage and its hosts. On one host that is all; from another its guest has to go. */
export async function confirmResize(tx: Transaction, server: Server, at: Date): Promise<void> {
  if (server.otherHost !== null) {
    const change = { task: "resize_confirming", taskStep: "offload", taskVmState: "resized" } as const;
    await setTask(tx.sql, server.id, change, { bump: false, at });
    await endMigration(tx.sql, server.id, "confirming", at);
    return;
  }
  await giveBack(tx, server);
  const settled = { otherFlavorId: null, otherFlavor: null, mode: "ordinary", modeSince: null } as const;
  await setTask(tx.sql, server.id, settled, { bump: false, at });
  await endMigration(tx.sql, server.id, "confirmed", at);
}
