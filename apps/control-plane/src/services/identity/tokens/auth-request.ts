/** What a sign-in asks, in a form where nothing is missing. Pure. */
import { invalid, unauthenticated } from "@andromede/base/errors";
import type { AuthMethod } from "@andromede/platform/tokens/token.model";

import type { CredentialSelector } from "../application-credentials/application-credential.queries.ts";
import type { UserSelector } from "../users/user.queries.ts";

type DomainRef = { id?: string; name?: string };
type UserRef = { id?: string; name?: string; domain?: DomainRef };

export type AuthBody = {
  auth: {
    identity: {
      methods: string[];
      password?: { user?: UserRef & { password?: string } };
      token?: { id: string };
      totp?: { user?: UserRef & { passcode?: string } };
      application_credential?: { id?: string; name?: string; secret: string; user?: UserRef };
    };
    scope?:
      | string
      | {
          project?: UserRef;
          domain?: DomainRef;
          system?: { all?: boolean };
          unscoped?: object;
          "OS-TRUST:trust"?: { id: string };
        };
  };
};

export type Proof =
  | { method: "password"; user: UserSelector; password: string }
  | { method: "token"; token: string }
  | { method: "totp"; user: UserSelector; passcode: string }
  /** Proven already: whoever signed a request with it has the key pair. */
  | { method: "ec2credential"; credential: SignedWith }
  | { method: "application_credential"; credential: CredentialSelector; secret: string };

export type DomainSelector = { id: string } | { name: string };
export type ScopeSelector =
  | { kind: "project"; project: { id: string } | { name: string; domain: DomainSelector } }
  | { kind: "domain"; domain: DomainSelector }
  | { kind: "system" };
/** The key pair that a request was signed with, and what it carries. */
export type SignedWith = {
  id: string;
  userId: string;
  applicationCredential: { id: string } | null;
};

export type AuthRequest = {
  proofs: Proof[];
  /** "default": the user's default project, if any; "none": unscoped, said so. */
  scope: ScopeSelector | "default" | "none";
  /** The trust whose roles are asked for; the scope is then the trust's. */
  trustId?: string;
};

const missing = (attribute: string, target: string) =>
  invalid(
    `Expecting to find ${attribute} in ${target}. The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.`,
    { field: `auth.${target}` },
  );

export function readAuthRequest({ auth }: AuthBody): AuthRequest {
  const methods = [...new Set(auth.identity.methods)];
  if (methods.length === 0) throw missing("methods", "identity");
  const trust = typeof auth.scope === "object" ? auth.scope["OS-TRUST:trust"] : undefined;
  return {
    proofs: methods.map((method) => readProof(method, auth.identity)),
    scope: readScope(auth.scope),
    ...(trust === undefined ? {} : { trustId: trust.id }),
  };
}

function readProof(method: string, identity: AuthBody["auth"]["identity"]): Proof {
  switch (method as AuthMethod) {
    case "password": {
      const user = identity.password?.user;
      if (user === undefined) throw missing("user", "identity.password");
      if (user.password === undefined) throw missing("password", "identity.password.user");
      return { method: "password", user: readUser(user, "identity.password.user"), password: user.password };
    }
    case "token":
      if (identity.token === undefined) throw missing("token", "identity");
      return { method: "token", token: identity.token.id };
    case "totp": {
      const user = identity.totp?.user;
      if (user === undefined) throw missing("user", "identity.totp");
      if (user.passcode === undefined) throw missing("passcode", "identity.totp.user");
      return { method: "totp", user: readUser(user, "identity.totp.user"), passcode: user.passcode };
    }
    case "application_credential": {
      const given = identity.application_credential;
      if (given === undefined) throw missing("application_credential", "identity");
      return { method: "application_credential", credential: readCredential(given), secret: given.secret };
    }
    case "ec2credential":
    default:
      throw unauthenticated("Attempted to authenticate with an unsupported method.");
  }
}

function readCredential(given: { id?: string; name?: string; user?: UserRef }): CredentialSelector {
  if (given.id !== undefined) return { id: given.id };
  if (given.name === undefined) throw missing("id or name", "identity.application_credential");
  if (given.user === undefined) throw missing("user", "identity.application_credential");
  return { name: given.name, user: readUser(given.user, "identity.application_credential.user") };
}

function readUser(user: UserRef, where: string): UserSelector {
  if (user.id !== undefined) return { id: user.id };
  if (user.name === undefined) throw missing("id or name", where);
  return { name: user.name, domain: readDomain(user.domain, where) };
}

function readDomain(domain: DomainRef | undefined, where: string): DomainSelector {
  if (domain === undefined) throw missing("domain", where);
  if (domain.id !== undefined) return { id: domain.id };
  if (domain.name === undefined) throw missing("id or name", `${where}.domain`);
  return { name: domain.name };
}

function readScope(scope: AuthBody["auth"]["scope"]): AuthRequest["scope"] {
  if (scope === undefined) return "default";
  if (typeof scope === "string") {
    if (scope !== "unscoped") throw invalid(`'${scope}' is not a scope`, { field: "auth.scope" });
    return "none";
  }
  const { project, domain, system } = scope;
  const kinds = ["project", "domain", "system", "unscoped", "OS-TRUST:trust"].filter((kind) =>
    Object.hasOwn(scope, kind),
  );
  if (kinds.length > 1) throw invalid("Specify one of domain, project, system or unscoped", { field: "auth.scope" });
  if (kinds[0] === "unscoped" || kinds[0] === "OS-TRUST:trust") return "none";
  if (system !== undefined) {
    if (system.all !== true) throw invalid("A system scope is for all of it", { field: "auth.scope.system" });
    return { kind: "system" };
  }
  if (domain !== undefined) return { kind: "domain", domain: readDomain(domain, "scope.domain") };
  if (project === undefined) return "default";
  if (project.id !== undefined) return { kind: "project", project: { id: project.id } };
  if (project.name === undefined) throw missing("id or name", "scope.project");
  return { kind: "project", project: { name: project.name, domain: readDomain(project.domain, "scope.project") } };
}
