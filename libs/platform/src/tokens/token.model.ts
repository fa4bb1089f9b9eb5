/** What a token says, and who that makes of its bearer. Pure. */
import type { AccessRule, Actor, Plane } from "./actor.ts";

export const AUTH_METHODS = ["password", "token", "application_credential", "totp", "ec2credential"] as const;
export type AuthMethod = (typeof AUTH_METHODS)[number];

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
  applicationCredential?: NamedRef & {
    restricted: boolean;
    /** All that the token may be used for; absent: anything. */
    accessRules?: (AccessRule & { id: string })[];
  };
  /** When the password ends; absent: never. */
  passwordExpiresAtMs?: number;
  /** Set when somebody lent what the token carries. */
  trust?: TokenTrust;
  /** Credential (EC2) that it was had with; it ends with that. */
  credentialId?: string;
};

export type TokenTrust = {
  id: string;
  /** The token's user is the one who lends. */
  impersonation: boolean;
  trustorId: string;
  trusteeId: string;
  /** Whose roles they are in the end: the first trustor of a chain. */
  holderId: string;
  /** Where the one of the two that is not the token's user has their account. */
  otherDomainId: string;
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
    ...(contents.applicationCredential?.accessRules === undefined
      ? {}
      : { accessRules: contents.applicationCredential.accessRules }),
    ...(contents.trust === undefined ? {} : { trustId: contents.trust.id }),
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
  credential: (id: string) => `credential/${id}`,
  trust: (id: string) => `trust/${id}`,
  /** On all the projects of a domain. */
  userInDomain: (userId: string, domainId: string) => `user-in-domain/${userId}/${domainId}`,
  userOnProject: (userId: string, projectId: string) => `user-project/${userId}/${projectId}`,
  userOnDomain: (userId: string, domainId: string) => `user-domain/${userId}/${domainId}`,
  userOnSystem: (userId: string) => `user-system/${userId}`,
} as const;

/** Every revocation subject that would kill this token. */
export function subjectsOf(contents: TokenContents): string[] {
  const { scope, user, trust } = contents;
  const subjects = [revocationOf.user(user.id), revocationOf.domain(user.domain.id)];
  if (trust !== undefined) subjects.push(...subjectsOfTrust(trust));
  // what is lent goes when its owner has it no more
  const holderId = trust?.holderId ?? user.id;
  const [own] = contents.auditIds;
  if (own !== undefined) subjects.push(revocationOf.token(own));
  for (const role of contents.roles) subjects.push(revocationOf.role(role.id));
  if (contents.applicationCredential !== undefined)
    subjects.push(revocationOf.applicationCredential(contents.applicationCredential.id));
  if (contents.credentialId !== undefined) subjects.push(revocationOf.credential(contents.credentialId));
  switch (scope.kind) {
    case "project":
      subjects.push(
        revocationOf.project(scope.project.id),
        revocationOf.domain(scope.project.domain.id),
        revocationOf.userOnProject(holderId, scope.project.id),
        revocationOf.userInDomain(holderId, scope.project.domain.id),
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

const subjectsOfTrust = (trust: TokenTrust): string[] => [
  revocationOf.trust(trust.id),
  revocationOf.user(trust.trustorId),
  revocationOf.user(trust.trusteeId),
  revocationOf.user(trust.holderId),
  revocationOf.domain(trust.otherDomainId),
];
