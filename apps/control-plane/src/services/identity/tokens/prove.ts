/** Proofs of who somebody is. Every method named must succeed, for the same user. */
import { forbidden, notFound, unauthenticated } from "@andromede/base/errors";
import type { Origin } from "@andromede/platform/events/append";
import type { Plane } from "@andromede/platform/tokens/actor";
import { revocationOf } from "@andromede/platform/tokens/token.model";

import type { App } from "../../../app.ts";
import { transact } from "../../../db/transaction.ts";
import {
  type CredentialAccount,
  findCredentialAccount,
} from "../application-credentials/application-credential.queries.ts";
import { checkPassword, signInRefused } from "../passwords/check-password.ts";
import { checkPasscode } from "../passwords/check-passcode.ts";
import { verifyPassword } from "../passwords/password-hash.ts";
import { passwordEnd } from "../users/user-options.ts";
import type { AuthRequest, Proof } from "./auth-request.ts";
import type { Proven } from "./decide-token.ts";
import { readReceipt } from "./receipt.ts";

export const SIGN_IN = "identity.token.issue";

export type Context = { app: App; origin: Origin; plane: Plane };

export async function recordFailure({ app, origin }: Context, userId: string, reason: string): Promise<void> {
  await transact(app, origin, async (tx) => {
    tx.event({ action: SIGN_IN, outcome: "failure", reason, target: { type: "user", id: userId } });
  });
}

/** `receipt`: what was proven a moment ago, when that was not enough. */
export async function proveAll(context: Context, asked: AuthRequest, receipt: string | undefined): Promise<Proven> {
  let all: Proven | undefined;
  for (const proof of asked.proofs) {
    // one after the other: the first that fails is the answer
    const one = await prove(context, asked, proof);
    if (all !== undefined && all.userId !== one.userId) throw signInRefused("the methods name different users");
    all = all === undefined ? one : { ...all, ...one, methods: [...new Set([...all.methods, ...one.methods])] };
  }
  if (all === undefined) throw signInRefused("no method");
  return receipt === undefined ? all : withReceipt(context, all, receipt);
}

function withReceipt({ app }: Context, proven: Proven, receipt: string): Proven {
  const contents = readReceipt(app.keys, receipt, app.clock.now());
  if (contents === null || contents.user.id !== proven.userId) throw signInRefused("not a valid receipt");
  return {
    ...proven,
    methods: [...new Set([...proven.methods, ...contents.methods])],
    earlier: {
      subjects: [revocationOf.user(contents.user.id), revocationOf.domain(contents.user.domain.id)],
      asOf: contents.asOf,
    },
  };
}

function prove(context: Context, asked: AuthRequest, proof: Proof): Promise<Proven> {
  switch (proof.method) {
    case "password":
      return provePassword(context, proof);
    case "token":
      return Promise.resolve(proveToken(context, asked, proof.token));
    case "totp":
      return provePasscode(context, proof);
    case "application_credential":
      return proveCredential(context, asked, proof);
    case "ec2credential":
      return proveSignature(context, proof);
  }
}

async function provePassword(context: Context, proof: Proof & { method: "password" }): Promise<Proven> {
  const { app, origin, plane } = context;
  const account = await checkPassword(app, origin, {
    plane,
    selector: proof.user,
    password: proof.password,
    action: SIGN_IN,
  });
  const end = passwordEnd(account, app.config.identity?.passwordExpiresDays);
  if (end !== null && end <= app.clock.now()) {
    await recordFailure(context, account.id, "password expired");
    throw unauthenticated(`The password is expired and needs to be changed for user: ${account.id}.`);
  }
  return {
    userId: account.id,
    methods: ["password"],
    ...(account.passwordHash === null ? {} : { passwordHash: account.passwordHash }),
  };
}

async function provePasscode({ app, origin, plane }: Context, proof: Proof & { method: "totp" }): Promise<Proven> {
  const { id } = await checkPasscode(app, origin, {
    plane,
    selector: proof.user,
    passcode: proof.passcode,
    action: SIGN_IN,
  });
  return { userId: id, methods: ["totp"] };
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
  if (parent.trust !== undefined) {
    throw forbidden("Using trust-scoped token to create another token. Create a new trust-scoped token instead");
  }
  if (credential !== undefined && (scope !== null || asked.trustId !== undefined)) {
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
  if (typeof asked.scope !== "string" || asked.trustId !== undefined) {
    await recordFailure(context, account.userId, "an application credential is for its own project");
    throw signInRefused("a scope was asked for with an application credential");
  }
  return { userId: account.userId, methods: ["application_credential"], credential: toProven(account) };
}

const toProven = (account: CredentialAccount): NonNullable<Proven["credential"]> => ({
  id: account.id,
  name: account.name,
  restricted: !account.unrestricted,
  projectId: account.projectId,
  expiresAtMs: account.expiresAtTime?.getTime() ?? null,
  ...(account.accessRules.length === 0 ? {} : { accessRules: account.accessRules }),
});

/** The signature is right: what remains is what the key pair carries. */
async function proveSignature(context: Context, proof: Proof & { method: "ec2credential" }): Promise<Proven> {
  const { id: credentialId, userId, applicationCredential } = proof.credential;
  const methods: Proven["methods"] = ["ec2credential"];
  if (applicationCredential === null) return { userId, methods, credentialId };
  const account = await findCredentialAccount(context.app.db, applicationCredential);
  if (account === null || account.userId !== userId) throw signInRefused("the application credential is gone");
  return { userId, methods, credentialId, credential: toProven(account) };
}
