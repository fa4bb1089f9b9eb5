import type { NamespaceDeps } from "./deps.ts";
import { planAccount } from "./container.plan.ts";
import { findAccount, insertAccount, lockAccount, sumAccount, updateAccountRow } from "./container.queries.ts";
import { accountEvent } from "./events.ts";
import type { Account, Namespace } from "./namespace.ts";
import { transact } from "./transact.ts";

type Accounts = Pick<Namespace, "account" | "accountUsage" | "updateAccount">;

export function createAccounts(deps: NamespaceDeps): Accounts {
  const { db } = deps;
  /** Whoever asks first makes it. */
  async function account(projectId: string): Promise<Account> {
    const found = await findAccount(db, projectId);
    if (found !== null) return found;
    await insertAccount(db, projectId);
    return (await findAccount(db, projectId)) ?? account(projectId);
  }
  return {
    account,
    accountUsage: (projectId) => sumAccount(db, projectId),
    updateAccount: (origin, projectId, change) =>
      transact(deps, origin, async ({ sql, event, last }) => {
        await insertAccount(sql, projectId);
        const was = (await lockAccount(sql, projectId)) ?? (await account(projectId));
        const next = planAccount(was, change);
        event(accountEvent(projectId, { changed: Object.keys(change).toSorted() }));
        last(updateAccountRow(sql, next));
        return next;
      }),
  };
}
