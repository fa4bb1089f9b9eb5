import { randomBytes } from "node:crypto";

import { conflict, forbidden, notFound } from "@andromede/base/errors";
import { newHexId } from "@andromede/base/ids";

import { transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { hashPassword } from "../passwords/password-hash.ts";
import { refusing } from "../shared/violations.ts";
import { callerToken } from "../tokens/caller-token.ts";
import type { TokenContents } from "../tokens/token.model.ts";
import { type ApplicationCredential, chooseRoles, parseExpiry } from "./application-credential.model.ts";
import { insertCredential } from "./application-credential.queries.ts";

export type CreateApplicationCredential = {
  name: string;
  description?: string | null;
  secret?: string | null;
  expires_at?: string | null;
  roles?: ({ id: string } | { name: string })[];
  unrestricted?: boolean | null;
};

/** A restricted credential's token may not make or remove credentials: a leaked one must not be able to outlive itself. */
export function assertMayManageCredentials(token: TokenContents): void {
  if (token.applicationCredential?.restricted === true) {
    throw forbidden(
      "Using method 'application_credential' is not allowed for managing additional application credentials.",
    );
  }
}

/** For the project and with (some of) the roles of the token that asks. The secret is returned here and never again. */
export async function createApplicationCredential(
  request: ApiRequest,
  given: CreateApplicationCredential,
): Promise<{ credential: ApplicationCredential; secret: string }> {
  const { app, actor, origin } = request;
  const token = callerToken(request);
  assertMayManageCredentials(token);
  if (token.scope.kind !== "project")
    throw forbidden("An application credential is made with a token for the project it is for");
  const expiresAt = given.expires_at ?? null;
  const credential: ApplicationCredential = {
    id: newHexId(),
    userId: actor.userId,
    projectId: token.scope.project.id,
    name: given.name.trim(),
    description: given.description ?? null,
    expiresAt,
    expiresAtTime: expiresAt === null ? null : parseExpiry(expiresAt, app.clock.now()),
    unrestricted: given.unrestricted ?? false,
    roles: chooseRoles(given.roles, token.roles).map((role) => ({ ...role, domainId: null, description: null })),
  };
  const secret = given.secret ?? randomBytes(64).toString("base64url");
  const hash = await hashPassword(secret);
  await transact(app, origin, async (tx) => {
    await refusing(insertCredential(tx.sql, credential, hash), {
      duplicate: (cause) =>
        conflict(
          `Conflict occurred attempting to store application_credential - Duplicate entry found with name ${credential.name}.`,
          { cause },
        ),
      dangling: (cause) =>
        notFound("Could not find the user, the project or a role of the application credential.", { cause }),
    });
    tx.event({
      action: "identity.application_credential.create",
      target: { type: "application_credential", id: credential.id, projectId: credential.projectId },
      detail: {
        name: credential.name,
        roles: credential.roles.map((role) => role.name),
        unrestricted: credential.unrestricted,
      },
    });
  });
  return { credential, secret };
}
