/** A token with what a trust lends (Identity API, OS-TRUST: "Consume a trust"). */
import { forbidden } from "@andromede/base/errors";
import type { TokenContents, TokenScope } from "@andromede/platform/tokens/token.model";

import { findChain } from "../trusts/trust.queries.ts";
import { chainBar, isSpent } from "../trusts/trust.model.ts";
import { type Attempt, type Proven, refusedWith } from "./decide-token.ts";
import type { Context } from "./prove.ts";
import { type TokenFacts, findTokenFacts } from "./token-facts.queries.ts";

/**
 * `own`: what the trustee would get without the trust. Its snapshot of the revocation clock is the older one, and is
 * what the token keeps: whatever was revoked between the two ends it.
 */
export async function decideTrustToken(
  { app }: Context,
  proven: Proven,
  own: Attempt,
  trustId: string,
): Promise<Attempt> {
  if (!("contents" in own.decision)) return own;
  const nowMs = app.clock.now();
  const refuse = (reason: string): Attempt => ({ facts: own.facts, decision: { refused: reason } });
  const tell = (message: string): Attempt => ({ facts: own.facts, decision: refusedWith(forbidden(message)) });
  const chain = await findChain(app.db, trustId);
  const [trust] = chain;
  const first = chain.at(-1);
  if (trust === undefined || first === undefined || isSpent(trust, nowMs)) return refuse("no such trust");
  if (trust.trusteeUserId !== proven.userId) return tell("User is not a trustee.");
  const bar = chainBar(chain, nowMs);
  if (bar !== null) return tell(bar);
  const userId = trust.impersonation ? trust.trustorUserId : trust.trusteeUserId;
  const facts = await findTokenFacts(app.db, {
    userId,
    scope: trust.projectId === null ? null : { kind: "project", project: { id: trust.projectId } },
    credentialId: null,
    parent: proven.parent ?? null,
    trust: { id: trustId, holderId: first.trustorUserId },
  });
  if (facts === null || !facts.enabled) return tell("Trustor is disabled.");
  // nobody of one directory acts as somebody of the other
  if (facts.directory !== own.facts.directory) return refuse("the trust joins two directories");
  if (!facts.lenderHasAll) return tell("Trustee has no delegated roles.");
  const scope = scopeOf(facts, trust.projectId);
  if (scope === null) return refuse("the trust's project is gone or disabled");
  return {
    facts: own.facts,
    decision: { contents: toContents(own.decision.contents, facts, scope, trust, first.trustorUserId) },
  };
}

function scopeOf(facts: TokenFacts, projectId: string | null): TokenScope | null {
  if (projectId === null) return { kind: "unscoped" };
  const { target } = facts;
  if (target === null || !target.enabled || facts.roles.length === 0) return null;
  if (target.directory === "operator" && facts.directory !== "operator") return null;
  return { kind: "project", project: { id: target.id, name: target.name, domain: target.domain } };
}

function toContents(
  own: TokenContents,
  facts: TokenFacts,
  scope: TokenScope,
  trust: Awaited<ReturnType<typeof findChain>>[number],
  holderId: string,
): TokenContents {
  return {
    ...own,
    user: facts.user,
    scope,
    roles: facts.roles,
    expiresAtMs: Math.min(own.expiresAtMs, trust.expiresAt?.getTime() ?? Infinity),
    trust: {
      id: trust.id,
      impersonation: trust.impersonation,
      trustorId: trust.trustorUserId,
      trusteeId: trust.trusteeUserId,
      holderId,
      otherDomainId: trust.impersonation ? own.user.domain.id : trust.trustorDomainId,
    },
  };
}
