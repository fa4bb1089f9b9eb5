import { openDatabase } from "@andromede/platform/db/database";
import { openKeyTree } from "@andromede/platform/keys/key-tree";

import type { Config } from "../config.ts";
import { recallCheckpoint } from "../events/remembered-checkpoint.ts";
import { verifyLog } from "../events/verify.ts";

/** Recomputes the event log and prints what it found as JSON. Answers the exit code: 0 when all of it holds. */
export async function verifyEvents(
  config: Config,
  print: (text: string) => void = (text) => void process.stdout.write(text),
): Promise<number> {
  const db = openDatabase(config.database, { max: 1, applicationName: "events-verify" });
  try {
    const keys = await openKeyTree({ rootKeyFile: config.rootKeyFile, db });
    const publicKeys = keys.publicKeys("event-log").map(({ publicKey }) => publicKey);
    const report = await verifyLog(db, { publicKeys, remembered: await recallCheckpoint(config) });
    print(`${JSON.stringify(report)}\n`);
    return report.ok ? 0 : 1;
  } finally {
    await db.end({ timeout: 5 });
  }
}
