import { unauthenticated } from "@andromede/base/errors";

import type { App } from "../../../app.ts";
import type { Config } from "../../../config.ts";
import { transact } from "../../../db/transaction.ts";
import type { Origin } from "../../../events/append.ts";
import type { Plane } from "../../../http/identity-token.ts";
import { type LockRules, isLocked } from "../users/user.model.ts";
import { type Account, type UserSelector, countFailure, findAccount } from "../users/user.queries.ts";
import { verifyPassword } from "./password-hash.ts";

const DEFAULT_FAILURES = 6;
const DEFAULT_LOCK_SECONDS = 300;

export const lockRulesOf = (config: Pick<Config, "identity">): LockRules => ({
  failures: config.identity?.lockoutFailures ?? DEFAULT_FAILURES,
  lockMs: (config.identity?.lockoutSeconds ?? DEFAULT_LOCK_SECONDS) * 1000,
});

/** The one answer to every failed sign-in: nothing in it tells what was wrong. */
export const signInRefused = (cause?: string) =>
  unauthenticated("The request you have made requires authentication.", cause === undefined ? {} : { cause });

/**
 * The account whose password this is. Every way to fail takes the same time, gives the same answer and leaves an event
 * that says why. Operators' accounts do not exist at the customers' door, and cannot be locked from there either.
 */
export async function checkPassword(
  app: App,
  origin: Origin,
  options: { plane: Plane; selector: UserSelector; password: string; action: string },
): Promise<Account> {
  const account = await findAccount(app.db, options.selector);
  const rules = lockRulesOf(app.config);
  const barred = barOf(account, options.plane, isLockedNow(account, rules, app));
  const right = await verifyPassword(options.password, barred === null ? (account?.passwordHash ?? null) : null);
  if (account !== null && barred === null && right) return account;
  const why = barred ?? (account === null ? "no such user" : "wrong password");
  await transact(app, origin, async (tx) => {
    // for nobody too, so that the time of the answer does not tell who there is
    await countFailure(tx.sql, barred === null ? (account?.id ?? "") : "", rules, app.clock.now());
    tx.event({
      action: options.action,
      outcome: "failure",
      reason: why,
      // the name of a user there is none of is often a password typed into the wrong field: not kept
      target: { type: "user", id: account?.id ?? "unknown" },
      ...(account === null ? {} : { detail: { user: account.name } }),
    });
  });
  throw signInRefused(why);
}

const isLockedNow = (account: Account | null, rules: LockRules, app: App): boolean =>
  account !== null && isLocked(account, rules, app.clock.now());

/** Why this account cannot sign in here, whatever the password; null: it can. */
function barOf(account: Account | null, plane: Plane, locked: boolean): string | null {
  if (account === null) return null;
  if (plane === "customer" && account.directory === "operator") return "operator account at the customers' door";
  if (!account.enabled) return "account disabled";
  if (!account.domainEnabled) return "domain disabled";
  if (locked) return "account locked";
  return null;
}
