import { invalid } from "@andromede/base/errors";

import type { Transaction } from "../../../db/transaction.ts";
import type { Requester } from "../common/requester.ts";
import { checkDisjoint, wrongVersion } from "./address-scope.model.ts";
import { listScopePrefixes, lockAddressScope } from "./address-scope.queries.ts";

/** May the pool be in the scope, with these prefixes? */
export async function checkScope(
  tx: Transaction,
  requester: Requester,
  pool: { id: string; ipVersion: 4 | 6; prefixes: readonly string[]; addressScopeId: string | null },
): Promise<void> {
  const { id, addressScopeId } = pool;
  if (addressScopeId === null) return;
  const scope = await lockAddressScope(tx.sql, requester, addressScopeId);
  if (scope === null) {
    throw invalid(
      `Illegal subnetpool association: subnetpool ${id} cannot be associated with address scope ${addressScopeId}.`,
      { type: "IllegalSubnetPoolAssociationToAddressScope" },
    );
  }
  if (scope.ipVersion !== pool.ipVersion) throw wrongVersion(id, scope);
  checkDisjoint(pool.prefixes, await listScopePrefixes(tx.sql, addressScopeId, id));
}
