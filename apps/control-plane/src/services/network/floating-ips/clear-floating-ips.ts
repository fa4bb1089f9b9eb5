import type { Transaction } from "../../../db/transaction.ts";
import { clearForwardings } from "../port-forwardings/change-port-forwarding.ts";
import { clearFloatingIpsOf } from "./floating-ip.queries.ts";

/** A port, or some of its addresses, go: what stood for them stands for nothing, and stays its project's. */
export async function clearFloatingIps(tx: Transaction, portId: string, addresses?: string[]): Promise<void> {
  for (const { id, projectId } of await clearFloatingIpsOf(tx.sql, portId, addresses)) {
    tx.event({
      action: "network.floatingip.update",
      target: { type: "floatingip", id, projectId },
      detail: { portId: null },
    });
    tx.enqueue(`floatingip/${id}`);
  }
  await clearForwardings(tx, portId, addresses);
}
