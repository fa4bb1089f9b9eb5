/** Who has a role ... */
import type { NamedRef } from "@andromede/platform/tokens/token.model";
import { revocationOf } from "@andromede/platform/tokens/token.model";

export type Holder = { kind: "user" | "group"; id: string };
/** ... where. */
export type Target =
  | {
      kind: "project" | "domain";
      id: string;
      /** Not there itself, but on every project below it. */
      inherited?: boolean;
    }
  | { kind: "system" };

/**
 * What ends a user's tokens for one place. Those for projects that inherit are all the user's in that domain, of which
 * some may have to be had again for nothing: a tree of projects has no bound. `domainId`: where a project is.
 */
export function revocationOnScope(userId: string, target: Target, domainId: string | null): string {
  if (target.kind === "system") return revocationOf.userOnSystem(userId);
  if (target.inherited === true) return revocationOf.userInDomain(userId, domainId ?? target.id);
  return target.kind === "project"
    ? revocationOf.userOnProject(userId, target.id)
    : revocationOf.userOnDomain(userId, target.id);
}

/** One line of `GET /v3/role_assignments`, with every name there is to show. */
export type AssignmentRow = {
  role: NamedRef & { domain: NamedRef | null };
  /** The role that was assigned, when this one is implied by it. */
  assignedRoleId: string;
  user: (NamedRef & { domain: NamedRef }) | null;
  group: (NamedRef & { domain: NamedRef }) | null;
  project: (NamedRef & { domain: NamedRef }) | null;
  domain: NamedRef | null;
  inherited: boolean;
  /** Where the role was given, when it reaches this place by inheritance. */
  source: { kind: "project" | "domain"; id: string } | null;
};

export type AssignmentFilter = {
  userId: string | undefined;
  groupId: string | undefined;
  roleId: string | undefined;
  projectId: string | undefined;
  domainId: string | undefined;
  system: boolean;
  /** Only those that projects below inherit, or only those that they do not; undefined: both. */
  inherited: boolean | undefined;
  /** Projects below the given one too. */
  subtree: boolean;
  /** Members instead of groups, implied roles too. */
  effective: boolean;
  /** Only what is in this domain; null: everything. */
  within: string | null;
  limit: number;
};
