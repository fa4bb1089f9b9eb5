import { invalid } from "@andromede/base/errors";
import type { Origin } from "@andromede/platform/events/append";
import type { Plane } from "@andromede/platform/tokens/actor";
import { revocationOf } from "@andromede/platform/tokens/token.model";

import type { App } from "../../../app.ts";
import type { Config } from "../../../config.ts";
import { transactRevoking } from "../revocations/revoke.ts";
import { listLastPasswords, lockUser, setPassword } from "../users/user.queries.ts";
import { checkPassword, signInRefused } from "./check-password.ts";
import { hashPassword, verifyPassword } from "./password-hash.ts";

const DEFAULT_HISTORY = 2;

/** How many last passwords, the one in force included, may not be chosen again. */
export const passwordHistoryOf = (config: Pick<Config, "identity">): number =>
  config.identity?.passwordHistory ?? DEFAULT_HISTORY;

/**
 * Self-service (`POST /v3/users/{id}/password`): whoever knows the password may change it, with a token or without.
 * Ends every token of the user.
 */
export async function changePassword(
  app: App,
  origin: Origin,
  plane: Plane,
  userId: string,
  passwords: { original: string; chosen: string },
): Promise<void> {
  const account = await checkPassword(app, origin, {
    plane,
    selector: { id: userId },
    password: passwords.original,
    action: "identity.user.change_password",
  });
  if (account.options.lock_password === true) {
    throw invalid(
      "You cannot change your password at this time due to password policy disallowing password changes. Please contact your administrator to reset your password.",
      { field: "user.password" },
    );
  }
  const count = passwordHistoryOf(app.config);
  const last = await listLastPasswords(app.db, userId, count);
  const reused = await Promise.all(last.map((hash) => verifyPassword(passwords.chosen, hash)));
  if (reused.includes(true)) {
    throw invalid(
      `The new password cannot be identical to a previous password. The total number which includes the new password must be unique is ${count}.`,
      { field: "user.password" },
    );
  }
  const hash = await hashPassword(passwords.chosen);
  const named = { ...origin, userId, userName: account.name };
  await transactRevoking(app, named, async (tx, revoke) => {
    const user = await lockUser(tx.sql, userId, null);
    // somebody else changed it while we were hashing: what we checked is no longer so
    if (user === null || user.passwordHash !== account.passwordHash)
      throw signInRefused("the password changed meanwhile");
    await setPassword(tx.sql, userId, hash, { kept: Math.max(0, count - 1), nowMs: app.clock.now() });
    revoke(revocationOf.user(userId));
    tx.event({ action: "identity.user.change_password", target: { type: "user", id: userId } });
  });
}
