import { forbidden, invalid, notFound } from "@andromede/base/errors";
import type { JsonObject } from "@andromede/base/json";
import type { Origin } from "@andromede/platform/events/append";
import { revocationOf } from "@andromede/platform/tokens/token.model";

import type { App } from "../../../app.ts";
import { deleteCredentialsOfUser } from "../application-credentials/application-credential.queries.ts";
import { passwordHistoryOf } from "../passwords/change-password.ts";
import { hashPassword } from "../passwords/password-hash.ts";
import { transactRevoking } from "../revocations/revoke.ts";
import type { DomainScope } from "../shared/authority.ts";
import { mergeExtra } from "../shared/extra.ts";
import { refusing } from "../shared/violations.ts";
import { duplicateUser } from "./create-user.ts";
import { mergeOptions } from "./user-options.ts";
import type { User, UserChange } from "./user.model.ts";
import { deleteUserRow, lockUser, setPassword, updateUserRow } from "./user.queries.ts";

const missing = (id: string) => notFound(`Could not find user: ${id}.`);

/** Disabling the user, or setting a password, ends every token; disabling ends application credentials too, as Keystone. */
export async function updateUser(
  app: App,
  origin: Origin,
  scope: DomainScope,
  id: string,
  change: UserChange,
  extra: JsonObject,
): Promise<User> {
  const hash = typeof change.password === "string" ? await hashPassword(change.password) : null;
  return transactRevoking(app, origin, async (tx, revoke) => {
    const before = await lockUser(tx.sql, id, scope);
    if (before === null) throw missing(id);
    if (change.domain_id !== undefined && change.domain_id !== before.domainId) {
      throw invalid("Cannot change Domain ID", { field: "user.domain_id" });
    }
    if (change.enabled === false && id === origin.userId) throw forbidden("Nobody can disable their own account");
    const user = applyChange(before, change, extra, app.clock.now());
    await refusing(updateUserRow(tx.sql, user), { duplicate: duplicateUser(user.name) });
    const disabled = before.enabled && !user.enabled;
    if (disabled) await deleteCredentialsOfUser(tx.sql, id);
    if (change.password !== undefined)
      await setPassword(tx.sql, id, hash, {
        kept: Math.max(0, passwordHistoryOf(app.config) - 1),
        nowMs: app.clock.now(),
      });
    if (disabled || change.password !== undefined) revoke(revocationOf.user(id));
    tx.event({
      action: "identity.user.update",
      target: { type: "user", id },
      detail: { name: user.name, enabled: user.enabled, password: change.password === undefined ? "kept" : "set" },
    });
    return user;
  });
}

const applyChange = (before: User, change: UserChange, extra: JsonObject, nowMs: number): User => ({
  id: before.id,
  domainId: before.domainId,
  name: change.name?.trim() ?? before.name,
  defaultProjectId: change.default_project_id === undefined ? before.defaultProjectId : change.default_project_id,
  enabled: change.enabled ?? before.enabled,
  options: mergeOptions(before.options, change.options),
  passwordChangedAt:
    change.password === undefined ? before.passwordChangedAt : change.password === null ? null : new Date(nowMs),
  extra: mergeExtra(before.extra, extra),
});

export async function deleteUser(app: App, origin: Origin, scope: DomainScope, id: string): Promise<void> {
  await transactRevoking(app, origin, async (tx, revoke) => {
    const user = await lockUser(tx.sql, id, scope);
    if (user === null) throw missing(id);
    await deleteUserRow(tx.sql, id);
    revoke(revocationOf.user(id));
    tx.event({ action: "identity.user.delete", target: { type: "user", id }, detail: { name: user.name } });
  });
}
