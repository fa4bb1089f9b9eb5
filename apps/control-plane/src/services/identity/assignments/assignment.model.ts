import type { NamedRef } from "../tokens/token.model.ts";
import { revocationOf } from "../tokens/token.model.ts";

/** Who has a role ... */
export type Holder = { kind: "user" | "group"; id: string };
/** ... where. */
export type Target = { kind: "project" | "domain"; id: string } | { kind: "system" };

/** What ends a user's tokens for one place. */
export function revocationOnScope(userId: string, target: Target): string {
  switch (target.kind) {
    case "project":
      return revocationOf.userOnProject(userId, target.id);
    case "domain":
      return revocationOf.userOnDomain(userId, target.id);
    case "system":
      return revocationOf.userOnSystem(userId);
  }
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
};

export type AssignmentFilter = {
  userId: string | undefined;
  groupId: string | undefined;
  roleId: string | undefined;
  projectId: string | undefined;
  domainId: string | undefined;
  system: boolean;
  /** Projects below the given one too. */
  subtree: boolean;
  /** Members instead of groups, implied roles too. */
  effective: boolean;
  /** Only what is in this domain; null: everything. */
  within: string | null;
  limit: number;
};
