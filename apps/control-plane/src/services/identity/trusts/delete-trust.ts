import { notFound } from "@andromede/base/errors";
import { revocationOf } from "@andromede/platform/tokens/token.model";

import type { Transaction } from "../../../db/transaction.ts";
import { isAdmin } from "../../../http/policy.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { type Revoke, transactRevoking } from "../revocations/revoke.ts";
import { refused } from "../shared/authority.ts";
import { assertNoApplicationCredential, readTrust } from "./read-trusts.ts";
import type { Trust } from "./trust.model.ts";
import { deleteTrustTree, findTrust } from "./trust.queries.ts";

/** By the trustor, or an operator. Ends every token had from it, and every trust that comes from it. */
export async function deleteTrust(request: ApiRequest, id: string): Promise<void> {
  assertNoApplicationCredential(request);
  const { app, actor, origin, plane } = request;
  const trust = await readTrust(request, id);
  if (actor.userId !== trust.trustorUserId && !isAdmin(actor, plane)) throw refused("delete_trust");
  await transactRevoking(app, origin, async (tx, revoke) => {
    const found = await findTrust(tx.sql, id);
    if (found === null) throw notFound(`Could not find trust: ${id}.`);
    await removeTrust(tx, revoke, found);
  });
}

export async function removeTrust(tx: Transaction, revoke: Revoke, trust: Trust): Promise<void> {
  const gone = await deleteTrustTree(tx.sql, trust.id);
  revoke(...gone.map(revocationOf.trust));
  tx.event({
    action: "identity.trust.delete",
    target: { type: "trust", id: trust.id, projectId: trust.projectId },
    detail: { trustor: trust.trustorUserId, trustee: trust.trusteeUserId, trusts: gone.length },
  });
}
