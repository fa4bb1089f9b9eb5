/** What a token says, and who that makes of its bearer. Pure. */
import type { Actor, Plane } from "../../../http/identity-token.ts";

export type AuthMethod = "password" | "token" | "application_credential";

export type NamedRef = { id: string; name: string };

export type TokenScope =
  | { kind: "unscoped" }
  | { kind: "project"; project: NamedRef & { domain: NamedRef } }
  | { kind: "domain"; domain: NamedRef }
  | { kind: "system" };

/** Everything validation answers with: names are those of the moment of issue. */
export type TokenContents = {
  methods: AuthMethod[];
  user: NamedRef & { domain: NamedRef };
  /** The directory the account is in. */
  directory: Plane;
  scope: TokenScope;
  /** Implied ones included. */
  roles: NamedRef[];
  /** This token's own id, then the id of the token it came from. */
  auditIds: string[];
  issuedAtMs: number;
  expiresAtMs: number;
  /** The revocation clock's value in the snapshot all this was read from: only later revocations concern the token. */
  asOf: number;
  applicationCredential?: NamedRef & { restricted: boolean };
};

/** What the rest of the program needs of it. */
export function toActor(contents: TokenContents): Actor {
  const { scope } = contents;
  const project = scope.kind === "project" ? scope.project : null;
  return {
    userId: contents.user.id,
    userName: contents.user.name,
    userDomainId: contents.user.domain.id,
    projectId: project?.id ?? null,
    projectName: project?.name ?? null,
    projectDomainId: project?.domain.id ?? null,
    domainId: scope.kind === "domain" ? scope.domain.id : null,
    roles: new Set(contents.roles.map((role) => role.name)),
    directory: contents.directory,
    auditIds: contents.auditIds,
    expiresAtMs: contents.expiresAtMs,
    ...(contents.applicationCredential === undefined
      ? {}
      : { applicationCredentialId: contents.applicationCredential.id }),
  };
}

/** What a revocation can name. One string each, so that the database, NOTIFY and the set in memory agree. */
export const revocationOf = {
  token: (auditId: string) => `audit/${auditId}`,
  user: (userId: string) => `user/${userId}`,
  project: (projectId: string) => `project/${projectId}`,
  domain: (domainId: string) => `domain/${domainId}`,
  role: (roleId: string) => `role/${roleId}`,
  applicationCredential: (id: string) => `application-credential/${id}`,
  userOnProject: (userId: string, projectId: string) => `user-project/${userId}/${projectId}`,
  userOnDomain: (userId: string, domainId: string) => `user-domain/${userId}/${domainId}`,
  userOnSystem: (userId: string) => `user-system/${userId}`,
} as const;

/** Every revocation subject that would kill this token. */
export function subjectsOf(contents: TokenContents): string[] {
  const { scope, user } = contents;
  const subjects = [revocationOf.user(user.id), revocationOf.domain(user.domain.id)];
  const [own] = contents.auditIds;
  if (own !== undefined) subjects.push(revocationOf.token(own));
  for (const role of contents.roles) subjects.push(revocationOf.role(role.id));
  if (contents.applicationCredential !== undefined)
    subjects.push(revocationOf.applicationCredential(contents.applicationCredential.id));
  switch (scope.kind) {
    case "project":
      subjects.push(
        revocationOf.project(scope.project.id),
        revocationOf.domain(scope.project.domain.id),
        revocationOf.userOnProject(user.id, scope.project.id),
      );
      break;
    case "domain":
      subjects.push(revocationOf.domain(scope.domain.id), revocationOf.userOnDomain(user.id, scope.domain.id));
      break;
    case "system":
      subjects.push(revocationOf.userOnSystem(user.id));
      break;
    case "unscoped":
      break;
  }
  return subjects;
}
