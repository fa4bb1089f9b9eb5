/**
 * `POST /v3/auth/tokens`: proofs, then facts, then a decision, then a signature. The facts are read after the proofs
 * and in one snapshot with the revocation clock, so whatever is revoked from then on ends this token too.
 */
import { randomBytes } from "node:crypto";

import type { TokenContents } from "@andromede/platform/tokens/token.model";

import { transact } from "../../../db/transaction.ts";
import { lockRulesOf, signInRefused } from "../passwords/check-password.ts";
import { consumeUse } from "../trusts/trust.queries.ts";
import { passwordEnd } from "../users/user-options.ts";
import { forgetFailures } from "../users/user.queries.ts";
import type { AuthRequest, ScopeSelector } from "./auth-request.ts";
import { type Attempt, type Proven, decideToken } from "./decide-token.ts";
import { type Context, SIGN_IN, proveAll, recordFailure } from "./prove.ts";
import { RECEIPT_MS, type Receipt, writeReceipt } from "./receipt.ts";
import { type TokenFacts, findTokenFacts } from "./token-facts.queries.ts";
import { tokenLifetimeMs } from "./token-lifetime.ts";
import { decideTrustToken } from "./trust-token.ts";

/** A token, or (when the account asks for more than was shown) a receipt for what was. */
export type SignedIn =
  | { token: string; contents: TokenContents }
  | { receipt: string; proven: Receipt; requiredMethods: string[][] };

export async function signIn(context: Context, asked: AuthRequest, receipt?: string): Promise<SignedIn> {
  const proven = await proveAll(context, asked, receipt);
  const { facts, decision } = await decide(context, asked, proven);
  if ("refused" in decision) {
    await recordFailure(context, proven.userId, decision.refused);
    throw decision.error ?? signInRefused(decision.refused);
  }
  if ("missing" in decision) return giveReceipt(context, proven, facts, decision.missing);
  const { contents } = decision;
  await issue(context, proven, facts, contents);
  return { token: context.app.tokens.issue(contents), contents };
}

async function issue(
  { app, origin }: Context,
  proven: Proven,
  facts: TokenFacts,
  contents: TokenContents,
): Promise<void> {
  const { scope, trust } = contents;
  const projectId = scope.kind === "project" ? scope.project.id : null;
  await transact(app, { ...origin, userId: contents.user.id, userName: contents.user.name, projectId }, async (tx) => {
    if (facts.failedAttempts > 0 && proven.passwordHash !== undefined) await forgetFailures(tx.sql, proven.userId);
    if (trust !== undefined && !(await consumeUse(tx.sql, trust.id))) throw signInRefused("the trust is used up");
    tx.event({
      action: SIGN_IN,
      target: { type: "user", id: contents.user.id, projectId },
      detail: {
        methods: contents.methods,
        scope: scope.kind,
        token: contents.auditIds[0] ?? "",
        ...(trust === undefined ? {} : { trust: trust.id, trustee: trust.trusteeId }),
      },
    });
  });
}

async function giveReceipt(
  context: Context,
  proven: Proven,
  facts: TokenFacts,
  requiredMethods: string[][],
): Promise<SignedIn> {
  await recordFailure(context, proven.userId, `only ${proven.methods.join(", ")} was shown`);
  const nowMs = context.app.clock.now();
  const contents: Receipt = {
    methods: proven.methods,
    user: facts.user,
    issuedAtMs: nowMs,
    expiresAtMs: nowMs + RECEIPT_MS,
    // what an earlier receipt did not know of is not known now
    asOf: Math.min(facts.asOf, proven.earlier?.asOf ?? facts.asOf),
  };
  return { receipt: writeReceipt(context.app.keys, contents), proven: contents, requiredMethods };
}

async function decide(context: Context, asked: AuthRequest, proven: Proven): Promise<Attempt> {
  const attempt = (scope: ScopeSelector | null): Promise<Attempt> => attemptScope(context, proven, scope);
  if (asked.trustId !== undefined) return decideTrustToken(context, proven, await attempt(null), asked.trustId);
  if (typeof asked.scope !== "string") return attempt(asked.scope);
  if (proven.credential !== undefined)
    return attempt({ kind: "project", project: { id: proven.credential.projectId } });
  const unscoped = await attempt(null);
  const { defaultProjectId } = unscoped.facts;
  if (asked.scope === "none" || defaultProjectId === null || !("contents" in unscoped.decision)) return unscoped;
  // a default project that is gone, disabled or without a role is as good as none (Keystone, "default project")
  const scoped = await attempt({ kind: "project", project: { id: defaultProjectId } });
  return "contents" in scoped.decision ? scoped : unscoped;
}

async function attemptScope({ app, plane }: Context, proven: Proven, scope: ScopeSelector | null): Promise<Attempt> {
  const facts = await findTokenFacts(app.db, {
    userId: proven.userId,
    scope,
    credentialId: proven.credential?.id ?? null,
    parent: proven.parent ?? null,
    earlier: proven.earlier ?? null,
  });
  if (facts === null) throw signInRefused("the user is gone");
  if (plane === "customer" && facts.directory === "operator")
    return { facts, decision: { refused: "operator account at the customers' door" } };
  const decision = decideToken({
    facts,
    proven,
    scope,
    auditId: randomBytes(16).toString("base64url"),
    nowMs: app.clock.now(),
    lifetimeMs: tokenLifetimeMs(app.config),
    lockRules: lockRulesOf(app.config),
    passwordEndsAtMs: passwordEnd(facts, app.config.identity?.passwordExpiresDays),
  });
  return { facts, decision };
}
