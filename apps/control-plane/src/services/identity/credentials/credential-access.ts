/** Whose credentials somebody may touch: their own; operators anybody's. What was lent reaches one project's only. */
import { forbidden, notFound } from "@andromede/base/errors";

import { isAdmin } from "../../../http/policy.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { callerToken } from "../tokens/caller-token.ts";
import type { Credential } from "./credential.model.ts";

type Asking = Pick<ApiRequest, "actor" | "plane">;

export const missingCredential = (id: string) => notFound(`Could not find credential: ${id}.`);

export const isLent = ({ actor }: Pick<Asking, "actor">): boolean =>
  actor.trustId !== undefined || actor.applicationCredentialId !== undefined;

/** Seen and touched; what is not is not there. */
export const mayTouch = (request: Asking, credential: Pick<Credential, "userId">): boolean =>
  credential.userId === request.actor.userId || isAdmin(request.actor, request.plane);

/** A stolen delegation must not read or destroy the user's other secrets, the second factor among them. */
export function assertWithinDelegation(request: Pick<Asking, "actor">, projectId: string | null): void {
  if (isLent(request) && projectId !== request.actor.projectId)
    throw forbidden("Credential project does not match the project scope of the delegated token");
}

/** A restricted application credential makes no key pairs: a leaked one must not outlive itself. */
export function assertMayMakeKeys(request: Pick<ApiRequest, "app" | "headers" | "actor">): void {
  if (request.actor.applicationCredentialId === undefined) return;
  if (callerToken(request).applicationCredential?.restricted !== false) {
    throw forbidden("Using method 'application_credential' is not allowed for managing additional credentials.");
  }
}
