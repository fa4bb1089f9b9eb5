/**
 * The newest checkpoint, outside the database: whoever may write rows can take away the log's end together with the
 * checkpoints that cover it, but not the memory of it in a file beside the root key.
 */
import { readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import type { Config } from "../config.ts";

type Place = Pick<Config, "rootKeyFile">;

const fileOf = (config: Place): string => join(dirname(config.rootKeyFile), "event-log.checkpoint");

export async function rememberCheckpoint(config: Place, note: string): Promise<void> {
  const file = fileOf(config);
  await writeFile(`${file}.new`, note, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** null: nothing was ever remembered here. */
export async function recallCheckpoint(config: Place): Promise<string | null> {
  try {
    return await readFile(fileOf(config), "utf8");
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT") return null;
    throw error;
  }
}
