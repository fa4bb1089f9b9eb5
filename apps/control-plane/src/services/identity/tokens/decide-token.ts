/** From facts to a token, or the reason why there is none. Pure. */
import type { CloudError } from "@andromede/base/errors";
import {
  AUTH_METHODS,
  type AuthMethod,
  type TokenContents,
  type TokenScope,
} from "@andromede/platform/tokens/token.model";

import { missingMethods } from "../users/user-options.ts";
import { type LockRules, isLocked } from "../users/user.model.ts";
import type { ScopeSelector } from "./auth-request.ts";
import type { TokenFacts } from "./token-facts.queries.ts";

/** Who somebody proved to be, and what the proof brings along. */
export type Proven = {
  userId: string;
  methods: AuthMethod[];
  /** The hash the password was right for. */
  passwordHash?: string;
  /** The token it came from. */
  parent?: TokenContents;
  credential?: NonNullable<TokenContents["applicationCredential"]> & { projectId: string; expiresAtMs: number | null };
  /** The key pair that was signed with. */
  credentialId?: string;
  /** Something was proven before: what ends that, and as of when. */
  earlier?: { subjects: string[]; asOf: number };
};

export type Decision =
  | { contents: TokenContents }
  /** `error`: what is answered instead of the one answer that tells nothing. */
  | { refused: string; error?: CloudError }
  /** The combinations of methods of which the account asks for one. */
  | { missing: string[][] };

export type Attempt = { facts: TokenFacts; decision: Decision };

/** A refusal that says why: it is told to somebody who has proven who they are. */
export const refusedWith = (error: CloudError): Decision => ({ refused: error.message, error });

export function decideToken(options: {
  facts: TokenFacts;
  proven: Proven;
  scope: ScopeSelector | null;
  auditId: string;
  nowMs: number;
  lifetimeMs: number;
  lockRules: LockRules;
  passwordEndsAtMs: number | null;
}): Decision {
  const { facts, proven, nowMs } = options;
  const bar = barOf(facts, proven, options.lockRules, nowMs);
  if (bar !== null) return { refused: bar };
  // a signature with a key pair is not somebody signing in
  const missing = proven.methods.includes("ec2credential")
    ? null
    : missingMethods(facts.options, proven.methods, AUTH_METHODS);
  if (missing !== null) return { missing };
  const scope = decideScope(facts, options.scope);
  if ("refused" in scope) return scope;
  const { parent, credential } = proven;
  // what is had with what was had with a key pair ends with the pair
  const credentialId = proven.credentialId ?? parent?.credentialId;
  const parentId = parent?.auditIds.at(-1);
  // an end is inherited: exchanging a token never makes it live longer
  const ends = [nowMs + options.lifetimeMs, parent?.expiresAtMs, credential?.expiresAtMs].filter(
    (end) => typeof end === "number",
  );
  return {
    contents: {
      methods: proven.methods,
      user: facts.user,
      directory: facts.directory,
      scope,
      roles: facts.roles,
      auditIds: parentId === undefined ? [options.auditId] : [options.auditId, parentId],
      issuedAtMs: nowMs,
      expiresAtMs: Math.min(...ends),
      asOf: facts.asOf,
      ...(options.passwordEndsAtMs === null ? {} : { passwordExpiresAtMs: options.passwordEndsAtMs }),
      ...(credential === undefined ? {} : { applicationCredential: carried(credential) }),
      ...(credentialId === undefined ? {} : { credentialId }),
    },
  };
}

const carried = ({ id, name, restricted, accessRules }: NonNullable<Proven["credential"]>) => ({
  id,
  name,
  restricted,
  ...(accessRules === undefined ? {} : { accessRules }),
});

/** Things may have changed between the proof and the facts: the facts decide. */
function barOf(facts: TokenFacts, proven: Proven, lockRules: LockRules, nowMs: number): string | null {
  if (!facts.enabled) return "account or domain disabled";
  if (proven.passwordHash !== undefined && proven.passwordHash !== facts.passwordHash)
    return "the password changed meanwhile";
  if (proven.passwordHash !== undefined && isLocked(facts, lockRules, nowMs)) return "account locked";
  if (facts.parentRevoked) return "the token it comes from was revoked";
  if (proven.credential !== undefined && !facts.credentialThere) return "the application credential is gone";
  const expiresAtMs = proven.credential?.expiresAtMs ?? null;
  if (expiresAtMs !== null && expiresAtMs <= nowMs) return "the application credential has expired";
  return null;
}

function decideScope(facts: TokenFacts, asked: ScopeSelector | null): TokenScope | { refused: string } {
  if (asked === null) return { kind: "unscoped" };
  if (facts.roles.length === 0 && facts.target === null && asked.kind !== "system")
    return { refused: `no such ${asked.kind}` };
  if (facts.roles.length === 0) return { refused: `no role on the ${asked.kind}` };
  if (asked.kind === "system") {
    return facts.directory === "operator"
      ? { kind: "system" }
      : { refused: "a customer's account has no business on the system" };
  }
  const { target } = facts;
  if (target === null) return { refused: `no such ${asked.kind}` };
  if (!target.enabled) return { refused: `${asked.kind} or its domain disabled` };
  if (target.directory === "operator" && facts.directory !== "operator") {
    return { refused: `a customer's account has no business on an operators' ${asked.kind}` };
  }
  return asked.kind === "project"
    ? { kind: "project", project: { id: target.id, name: target.name, domain: target.domain } }
    : { kind: "domain", domain: { id: target.id, name: target.name } };
}
