import type { Transaction } from "../../../db/transaction.ts";
import { forwardingGone } from "../port-forwardings/change-port-forwarding.ts";
import { dropForwardingsTo } from "../port-forwardings/port-forwarding.queries.ts";
import { clearFloatingIpsOf } from "./floating-ip.queries.ts";

/**
 * A port, or some of its addresses, go: what stood for them stands for nothing, and stays its project's; what led ports of
 * a floating IP there goes. Both are sent at once: callers send the port's end behind them.
 */
export async function clearFloatingIps(tx: Transaction, portId: string, addresses?: string[]): Promise<void> {
  const [cleared, forwardings] = await Promise.all([
    clearFloatingIpsOf(tx.sql, portId, addresses),
    dropForwardingsTo(tx.sql, portId, addresses),
  ]);
  for (const { id, projectId } of cleared) {
    tx.event({
      action: "network.floatingip.update",
      target: { type: "floatingip", id, projectId },
      detail: { portId: null },
    });
    tx.enqueue(`floatingip/${id}`);
  }
  for (const gone of forwardings) forwardingGone(tx, gone);
}
