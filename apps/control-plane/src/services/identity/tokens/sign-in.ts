/**
 * `POST /v3/auth/tokens`: proofs, then facts, then a decision, then a signature. The facts are read after the proofs
 * and in one snapshot with the revocation clock, so whatever is revoked from then on ends this token too.
 */
import { randomBytes } from "node:crypto";

import { forbidden, notFound } from "@andromede/base/errors";

import type { App } from "../../../app.ts";
import { transact } from "../../../db/transaction.ts";
import type { Origin } from "../../../events/append.ts";
import type { Plane } from "../../../http/identity-token.ts";
import { findCredentialAccount } from "../application-credentials/application-credential.queries.ts";
import { checkPassword, lockRulesOf, signInRefused } from "../passwords/check-password.ts";
import { verifyPassword } from "../passwords/password-hash.ts";
import { forgetFailures } from "../users/user.queries.ts";
import type { AuthRequest, Proof, ScopeSelector } from "./auth-request.ts";
import { type Decision, type Proven, decideToken } from "./decide-token.ts";
import { type TokenFacts, findTokenFacts } from "./token-facts.queries.ts";
import { tokenLifetimeMs } from "./token-lifetime.ts";
import type { TokenContents } from "./token.model.ts";

const ACTION = "identity.token.issue";

type Context = { app: App; origin: Origin; plane: Plane };

export async function signIn(
  context: Context,
  asked: AuthRequest,
): Promise<{ token: string; contents: TokenContents }> {
  const { app, origin } = context;
  const proven = await proveAll(context, asked);
  const { facts, decision } = await decide(context, asked, proven);
  if ("refused" in decision) {
    await recordFailure(context, proven.userId, decision.refused);
    throw signInRefused(decision.refused);
  }
  const { contents } = decision;
  const { scope } = contents;
  const projectId = scope.kind === "project" ? scope.project.id : null;
  await transact(app, { ...origin, userId: contents.user.id, userName: contents.user.name, projectId }, async (tx) => {
    if (facts.failedAttempts > 0 && proven.passwordHash !== undefined) await forgetFailures(tx.sql, contents.user.id);
    tx.event({
      action: ACTION,
      target: { type: "user", id: contents.user.id, projectId },
      detail: { methods: contents.methods, scope: scope.kind, token: contents.auditIds[0] ?? "" },
    });
  });
  return { token: app.tokens.issue(contents), contents };
}

async function recordFailure({ app, origin }: Context, userId: string, reason: string): Promise<void> {
  await transact(app, origin, async (tx) => {
    tx.event({ action: ACTION, outcome: "failure", reason, target: { type: "user", id: userId } });
  });
}

/** Every method named must succeed, for the same user. */
async function proveAll(context: Context, asked: AuthRequest): Promise<Proven> {
  let all: Proven | undefined;
  for (const proof of asked.proofs) {
    // one after the other: the first that fails is the answer
    const one = await prove(context, asked, proof);
    if (all !== undefined && all.userId !== one.userId) throw signInRefused("the methods name different users");
    all = all === undefined ? one : { ...all, ...one, methods: [...new Set([...all.methods, ...one.methods])] };
  }
  if (all === undefined) throw signInRefused("no method");
  return all;
}

function prove(context: Context, asked: AuthRequest, proof: Proof): Promise<Proven> {
  switch (proof.method) {
    case "password":
      return provePassword(context, proof);
    case "token":
      return Promise.resolve(proveToken(context, asked, proof.token));
    case "application_credential":
      return proveCredential(context, asked, proof);
  }
}

async function provePassword({ app, origin, plane }: Context, proof: Proof & { method: "password" }): Promise<Proven> {
  const account = await checkPassword(app, origin, {
    plane,
    selector: proof.user,
    password: proof.password,
    action: ACTION,
  });
  return {
    userId: account.id,
    methods: ["password"],
    ...(account.passwordHash === null ? {} : { passwordHash: account.passwordHash }),
  };
}

/**
 * Rescoping. A token that is not good is not there (404, as Keystone), and nobody's, so no event: anyone could make those
 * without end.
 */
function proveToken({ app, plane }: Context, asked: AuthRequest, token: string): Proven {
  const parent = app.tokens.read(token, app.clock.now())?.contents;
  if (parent === undefined || (plane === "customer" && parent.directory === "operator"))
    throw notFound("Could not find token.");
  const scope = typeof asked.scope === "string" ? null : asked.scope;
  const credential = parent.applicationCredential;
  if (credential !== undefined && scope !== null) {
    throw forbidden("Using an application credential token to create a scoped token is not allowed.");
  }
  if (parent.scope.kind === "system" && scope !== null && scope.kind !== "system") {
    throw forbidden("Using a system-scoped token to create a project-scoped or domain-scoped token is not allowed.");
  }
  const methods: Proven["methods"] = [...new Set(["token" as const, ...parent.methods])];
  if (credential === undefined || parent.scope.kind !== "project") return { userId: parent.user.id, methods, parent };
  return {
    userId: parent.user.id,
    methods,
    parent,
    credential: { ...credential, projectId: parent.scope.project.id, expiresAtMs: null },
  };
}

async function proveCredential(
  context: Context,
  asked: AuthRequest,
  proof: Proof & { method: "application_credential" },
): Promise<Proven> {
  const account = await findCredentialAccount(context.app.db, proof.credential);
  const right = await verifyPassword(proof.secret, account?.secretHash ?? null);
  if (account === null || !right) {
    const reason = account === null ? "no such application credential" : "wrong secret of an application credential";
    await recordFailure(context, account?.userId ?? "unknown", reason);
    throw signInRefused(reason);
  }
  if (typeof asked.scope !== "string") {
    await recordFailure(context, account.userId, "an application credential is for its own project");
    throw signInRefused("a scope was asked for with an application credential");
  }
  return {
    userId: account.userId,
    methods: ["application_credential"],
    credential: {
      id: account.id,
      name: account.name,
      restricted: !account.unrestricted,
      projectId: account.projectId,
      expiresAtMs: account.expiresAtTime?.getTime() ?? null,
    },
  };
}

async function decide(
  { app, plane }: Context,
  asked: AuthRequest,
  proven: Proven,
): Promise<{ facts: TokenFacts; decision: Decision }> {
  const nowMs = app.clock.now();
  const attempt = async (scope: ScopeSelector | null): Promise<{ facts: TokenFacts; decision: Decision }> => {
    const facts = await findTokenFacts(app.db, {
      userId: proven.userId,
      scope,
      credentialId: proven.credential?.id ?? null,
      parent: proven.parent ?? null,
    });
    if (facts === null) throw signInRefused("the user is gone");
    if (plane === "customer" && facts.directory === "operator")
      return { facts, decision: { refused: "operator account at the customers' door" } };
    const auditId = randomBytes(16).toString("base64url");
    const rules = { lifetimeMs: tokenLifetimeMs(app.config), lockRules: lockRulesOf(app.config) };
    return { facts, decision: decideToken({ facts, proven, scope, auditId, nowMs, ...rules }) };
  };
  if (typeof asked.scope !== "string") return attempt(asked.scope);
  if (proven.credential !== undefined)
    return attempt({ kind: "project", project: { id: proven.credential.projectId } });
  const unscoped = await attempt(null);
  const { defaultProjectId } = unscoped.facts;
  if (asked.scope === "none" || defaultProjectId === null || "refused" in unscoped.decision) return unscoped;
  // a default project that is gone, disabled or without a role is as good as none (Keystone, "default project")
  const scoped = await attempt({ kind: "project", project: { id: defaultProjectId } });
  return "refused" in scoped.decision ? unscoped : scoped;
}
