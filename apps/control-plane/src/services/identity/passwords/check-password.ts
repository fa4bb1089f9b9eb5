import { unauthenticated } from "@andromede/base/errors";
import type { Origin } from "@andromede/platform/events/append";
import type { Plane } from "@andromede/platform/tokens/actor";

import type { App } from "../../../app.ts";
import type { Config } from "../../../config.ts";
import { transact } from "../../../db/transaction.ts";
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
  const barred = barNow(app, account, options.plane);
  const right = await verifyPassword(options.password, barred === null ? (account?.passwordHash ?? null) : null);
  if (account !== null && barred === null && right) return account;
  return failSignIn(app, origin, {
    action: options.action,
    account,
    why: barred ?? (account === null ? "no such user" : "wrong password"),
    counts: barred === null,
  });
}

/** Writes down why somebody could not sign in, counts it if it was a guess, and gives the one answer there is. */
export async function failSignIn(
  app: App,
  origin: Origin,
  failed: { action: string; account: Account | null; why: string; counts: boolean },
): Promise<never> {
  const { account, why } = failed;
  await transact(app, origin, async (tx) => {
    // for nobody too, so that the time of the answer does not tell who there is
    await countFailure(tx.sql, failed.counts ? (account?.id ?? "") : "", lockRulesOf(app.config), app.clock.now());
    tx.event({
      action: failed.action,
      outcome: "failure",
      reason: why,
      // the name of a user there is none of is often a password typed into the wrong field: not kept
      target: { type: "user", id: account?.id ?? "unknown" },
      ...(account === null ? {} : { detail: { user: account.name } }),
    });
  });
  throw signInRefused(why);
}

/** Why this account cannot sign in here and now, whatever is shown; null: it can. */
export function barNow(app: Pick<App, "config" | "clock">, account: Account | null, plane: Plane): string | null {
  if (account === null) return null;
  if (plane === "customer" && account.directory === "operator") return "operator account at the customers' door";
  if (!account.enabled) return "account disabled";
  if (!account.domainEnabled) return "domain disabled";
  if (isLocked(account, lockRulesOf(app.config), app.clock.now())) return "account locked";
  return null;
}
