/** The keepers of rows, as the first process of a program runs them: by turns with all other programs. */
import type { DatabaseConfig } from "@andromede/platform/db/database";

import { expireObjects } from "./expire.ts";
import { startLeased } from "./lease.ts";
import { runLifecycle } from "./lifecycle.ts";
import type { RowKeeping } from "./row-keeping.ts";

const EXPIRE_EVERY_MS = 5_000;
const LIFECYCLE_EVERY_MS = 600_000;

/** Expiry and lifecycles, until stopped. */
export function startRowMaintenance(deps: RowKeeping & { database: DatabaseConfig }): { stop(): Promise<void> } {
  const { database, log } = deps;
  const leased = [
    { name: "expire", everyMs: EXPIRE_EVERY_MS, turn: (signal: AbortSignal) => expireObjects(deps, signal) },
    { name: "lifecycle", everyMs: LIFECYCLE_EVERY_MS, turn: (signal: AbortSignal) => runLifecycle(deps, signal) },
  ].map((work) => startLeased({ ...work, database, log }));
  return {
    async stop() {
      await Promise.all(leased.map((one) => one.stop()));
    },
  };
}
