import type { Clock } from "@andromede/base/clock";
import type { Logger } from "@andromede/base/log";
import type { Database } from "@andromede/platform/db/database";

/** What the keepers of rows need. */
export type RowKeeping = { db: Database; clock: Clock; log: Logger };

export const isStopped = (signal: AbortSignal | undefined): boolean => signal?.aborted === true;
