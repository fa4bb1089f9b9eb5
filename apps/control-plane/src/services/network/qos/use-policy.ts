/** What a network, a port, a floating IP or a gateway goes by. */
import { forbidden } from "@andromede/base/errors";

import type { Transaction } from "../../../db/transaction.ts";
import type { Requester } from "../common/requester.ts";
import { qosPolicyNotFound } from "./qos-policy.model.ts";
import { findQosPolicy, lockQosPolicy } from "./qos-policy.queries.ts";

/** The policy is there, the requester may use it, and it stays until the transaction ends. Null: none. */
export async function checkPolicy(tx: Transaction, requester: Requester, id: string | null): Promise<string | null> {
  if (id === null) return null;
  if ((await lockQosPolicy(tx.sql, requester, id, false)) === null) throw qosPolicyNotFound(id);
  return id;
}

/** The same where one was set before: what an operator imposed, only an operator takes away. Undefined: it stays. */
export async function changePolicy(
  tx: Transaction,
  requester: Requester,
  held: string | null,
  wanted: string | null | undefined,
): Promise<string | null> {
  if (wanted === undefined || wanted === held) return held;
  if (held !== null && (await findQosPolicy(tx.sql, requester, held)) === null) {
    throw forbidden(`Failed to remove provided policy ${held} because you are not authorized.`, {
      type: "PolicyRemoveAuthorizationError",
    });
  }
  return checkPolicy(tx, requester, wanted);
}
