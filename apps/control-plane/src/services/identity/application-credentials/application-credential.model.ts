import { invalid } from "@andromede/base/errors";

import type { NamedRef } from "../tokens/token.model.ts";

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
};

export type CredentialRole = NamedRef & { domainId: string | null; description: string | null };

const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:?\d{2})?$/;

/** ISO 8601; without a zone it is UTC, as everywhere in Keystone. */
export function parseExpiry(text: string, nowMs: number): Date {
  const match = ISO.exec(text);
  const time = match === null ? NaN : Date.parse(match[2] === undefined ? `${text}Z` : text);
  if (Number.isNaN(time))
    throw invalid("Timestamp not in expected format.", { field: "application_credential.expires_at" });
  if (time <= nowMs)
    throw invalid("The 'expires_at' must not be before now.", { field: "application_credential.expires_at" });
  return new Date(time);
}

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
