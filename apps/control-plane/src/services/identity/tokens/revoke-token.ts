import type { Origin } from "@andromede/platform/events/append";
import { type TokenContents, revocationOf } from "@andromede/platform/tokens/token.model";

import type { App } from "../../../app.ts";
import { transactRevoking } from "../revocations/revoke.ts";

/** Ends one token; those that were had from it live on, as in Keystone. */
export async function revokeToken(app: App, origin: Origin, contents: TokenContents): Promise<void> {
  const [auditId] = contents.auditIds;
  if (auditId === undefined) return;
  await transactRevoking(app, origin, async (tx, revoke) => {
    revoke(revocationOf.token(auditId));
    tx.event({
      action: "identity.token.revoke",
      target: { type: "user", id: contents.user.id },
      detail: { token: auditId },
    });
  });
}
