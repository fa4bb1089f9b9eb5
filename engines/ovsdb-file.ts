/** What Open vSwitch and OVN share: their database's files and their logging. */
import { existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";

import { runInJail } from "./engine-root.ts";
import type { Jail } from "./jail.ts";

/** What all Open vSwitch daemons share: standard error is the log, nothing goes to a syslog or a file of their own. */
export const vlogFlags = ["-vconsole:info", "-vsyslog:off", "-vfile:off"];

/** An OVSDB file with the engine root's schema. A file that a running server holds is left as it is. */
export async function ensureDatabaseFile(jail: Jail, file: string, schema: string): Promise<void> {
  if (!existsSync(file)) {
    const unfinished = `${file}.new`;
    await rm(unfinished, { force: true });
    await runInJail(jail, ["ovsdb-tool", "create", unfinished, schema]);
    await rename(unfinished, file);
    return;
  }
  const answer = (await runInJail(jail, ["ovsdb-tool", "needs-conversion", file, schema])).trim();
  if (answer === "yes") await runInJail(jail, ["ovsdb-tool", "convert", file, schema]);
}
