/** Which door somebody came through, and which directory their account is in. */
export type Plane = "customer" | "operator";

/** Who makes a request: what a verified token says. */
export type Actor = {
  userId: string;
  userName: string;
  userDomainId: string;
  /** null for unscoped and domain-scoped tokens. */
  projectId: string | null;
  projectName: string | null;
  projectDomainId: string | null;
  /** Set for a domain-scoped token. */
  domainId: string | null;
  /** Names of the roles this token carries, implied ones included. */
  roles: ReadonlySet<string>;
  /** The directory the account is in. */
  directory: Plane;
  /** First is this token's own id. */
  auditIds: readonly string[];
  expiresAtMs: number;
  /** Set when the token came from an application credential. */
  applicationCredentialId?: string;
  /** Set when the token came from a trust: somebody lent what it carries. */
  trustId?: string;
  /** Set when the token is good for some requests only. */
  accessRules?: readonly AccessRule[];
};

/** A request that a restricted token may make: a service's type, a verb, a path with `*`, `**` and `{names}`. */
export type AccessRule = { service: string; path: string; method: string };

/** Verification without a database query: signature, expiry, and an in-memory copy of what was revoked. */
export type TokenVerifier = {
  /** null: not one of ours, expired or revoked. Synchronous, so that it costs microseconds. */
  verify(token: string, nowMs: number): Actor | null;
};
