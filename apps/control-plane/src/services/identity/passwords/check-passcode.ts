import type { Origin } from "@andromede/platform/events/append";
import type { Plane } from "@andromede/platform/tokens/actor";

import type { App } from "../../../app.ts";
import { openBlob } from "../credentials/credential-blob.ts";
import { listCredentialsOfType, takeStep } from "../credentials/credential.queries.ts";
import { type Account, type UserSelector, findAccount } from "../users/user.queries.ts";
import { barNow, failSignIn } from "./check-password.ts";
import { decodeBase32, stepOfPasscode } from "./totp.ts";

/**
 * The account whose one-time password this is. Fails as a password fails, and counts as one that was wrong: a code of
 * six digits is guessed soon by who may guess for ever. A code is taken once (RFC 6238, section 5.2).
 */
export async function checkPasscode(
  app: App,
  origin: Origin,
  options: { plane: Plane; selector: UserSelector; passcode: string; action: string },
): Promise<Account> {
  const account = await findAccount(app.db, options.selector);
  const barred = barNow(app, account, options.plane);
  if (account !== null && barred === null && (await takePasscode(app, account.id, options.passcode))) return account;
  return failSignIn(app, origin, {
    action: options.action,
    account,
    why: barred ?? (account === null ? "no such user" : "wrong passcode"),
    counts: barred === null,
  });
}

async function takePasscode(app: App, userId: string, passcode: string): Promise<boolean> {
  for (const credential of await listCredentialsOfType(app.db, userId, "totp")) {
    const seed = decodeBase32(openBlob(app, credential));
    const step = seed === null ? null : stepOfPasscode(seed, passcode, app.clock.now());
    if (step !== null && (await takeStep(app.db, credential.id, step))) return true;
  }
  return false;
}
