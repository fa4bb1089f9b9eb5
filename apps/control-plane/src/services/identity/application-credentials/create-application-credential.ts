import { randomBytes } from "node:crypto";

import { conflict, forbidden, invalid, notFound } from "@andromede/base/errors";
import { newHexId } from "@andromede/base/ids";
import type { Queryable } from "@andromede/platform/db/database";
import type { AccessRule } from "@andromede/platform/tokens/actor";
import type { TokenContents } from "@andromede/platform/tokens/token.model";

import { transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { ensureRule, findRule } from "../access-rules/access-rule.queries.ts";
import { hashPassword } from "../passwords/password-hash.ts";
import { refusing } from "../shared/violations.ts";
import { callerToken } from "../tokens/caller-token.ts";
import { parseExpiry } from "../shared/expiry.ts";
import { type ApplicationCredential, type CredentialAccessRule, chooseRoles } from "./application-credential.model.ts";
import { insertCredential } from "./application-credential.queries.ts";

export type CreateApplicationCredential = {
  name: string;
  description?: string | null;
  secret?: string | null;
  expires_at?: string | null;
  roles?: ({ id: string } | { name: string })[];
  unrestricted?: boolean | null;
  access_rules?: (AccessRule | { id: string })[] | null;
};

/** They travel in every token of the credential: a header has room for so much. */
const MAX_RULE_CHARS = 2_048;

/** A restricted credential's token may not make or remove credentials: a leaked one must not be able to outlive itself. */
export function assertMayManageCredentials(token: TokenContents): void {
  if (token.trust !== undefined) {
    throw forbidden("Using a delegated token is not allowed for managing application credentials.");
  }
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
    expiresAtTime:
      expiresAt === null ? null : parseExpiry(expiresAt, app.clock.now(), "application_credential.expires_at"),
    unrestricted: given.unrestricted ?? false,
    roles: chooseRoles(given.roles, token.roles).map((role) => ({ ...role, domainId: null, description: null })),
    accessRules: [],
  };
  const secret = given.secret ?? randomBytes(64).toString("base64url");
  const hash = await hashPassword(secret);
  await transact(app, origin, async (tx) => {
    credential.accessRules = await settleRules(tx.sql, actor.userId, given.access_rules ?? []);
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
        accessRules: credential.accessRules.length,
      },
    });
  });
  return { credential, secret };
}

async function settleRules(
  sql: Queryable,
  userId: string,
  asked: (AccessRule | { id: string })[],
): Promise<CredentialAccessRule[]> {
  const rules = new Map<string, CredentialAccessRule>();
  for (const one of asked) {
    const rule = "id" in one ? await findRule(sql, userId, one.id) : await ensureRule(sql, userId, one);
    if (rule === null) throw notFound(`Could not find Access Rule: ${"id" in one ? one.id : ""}.`);
    const { id, service, path, method } = rule;
    rules.set(id, { id, service, path, method });
  }
  const all = [...rules.values()];
  if (JSON.stringify(all).length > MAX_RULE_CHARS)
    throw invalid(`The access rules are longer than ${MAX_RULE_CHARS} characters together`, {
      field: "application_credential.access_rules",
    });
  return all;
}
