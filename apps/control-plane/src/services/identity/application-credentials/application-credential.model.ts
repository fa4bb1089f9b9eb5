import { invalid } from "@andromede/base/errors";
import type { AccessRule } from "@andromede/platform/tokens/actor";
import type { NamedRef } from "@andromede/platform/tokens/token.model";

export type ApplicationCredential = {
  id: string;
  userId: string;
  projectId: string;
  name: string;
  description: string | null;
  /** As the client wrote it. */
  expiresAt: string | null;
  expiresAtTime: Date | null;
  unrestricted: boolean;
  roles: CredentialRole[];
  /** Empty: good for everything its roles are. */
  accessRules: CredentialAccessRule[];
};

export type CredentialAccessRule = AccessRule & { id: string };

export type CredentialRole = NamedRef & { domainId: string | null; description: string | null };

/** The roles asked for, which must be among those the token carries; all of them when none are named. */
export function chooseRoles(asked: ({ id: string } | { name: string })[] | undefined, held: NamedRef[]): NamedRef[] {
  if (asked === undefined || asked.length === 0) return held;
  const chosen = asked.map((one) => {
    const found = held.find((role) => ("id" in one ? role.id === one.id : role.name === one.name));
    if (found === undefined) {
      throw invalid(
        `Invalid application credential: Could not find role assignment with role: ${"id" in one ? one.id : one.name}.`,
      );
    }
    return found;
  });
  return [...new Map(chosen.map((role) => [role.id, role])).values()];
}
