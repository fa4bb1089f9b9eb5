import type { Origin } from "@andromede/platform/events/append";
import { insertRevocations } from "@andromede/platform/tokens/revocation.queries";

import type { App } from "../../../app.ts";
import { type Transaction, transact } from "../../../db/transaction.ts";
import { tokenLifetimeMs } from "../tokens/token-lifetime.ts";

/** Kept a little longer than any token lives: machines' clocks differ. */
const MARGIN_MS = 600_000;

export type Revoke = (...subjects: string[]) => void;

/**
 * A transaction that may revoke tokens. Revocations are written last (they hold the revocation clock until the end),
 * commit with the rest, and are in force in this process before the caller answers; elsewhere within half a second.
 */
export async function transactRevoking<T>(
  app: Pick<App, "db" | "clock" | "reconcile" | "tokens" | "config">,
  origin: Origin,
  work: (tx: Transaction, revoke: Revoke) => Promise<T>,
): Promise<T> {
  const subjects = new Set<string>();
  const result = await transact(app, origin, async (tx) => {
    const value = await work(tx, (...named) => named.forEach((subject) => subjects.add(subject)));
    await writeRevocations(app, tx, [...subjects]);
    return value;
  });
  if (subjects.size > 0) await app.tokens.refresh();
  return result;
}

/** For a transaction that is somebody else's: must come last in it. In force here, as elsewhere, within half a second of the commit. */
export async function writeRevocations(
  app: Pick<App, "clock" | "config">,
  tx: Transaction,
  subjects: string[],
): Promise<void> {
  if (subjects.length === 0) return;
  await insertRevocations(tx.sql, subjects, app.clock.now() + tokenLifetimeMs(app.config) + MARGIN_MS);
}
