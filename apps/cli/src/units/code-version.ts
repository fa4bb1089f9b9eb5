import { createHash } from "node:crypto";
import { globSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import type { ProgramName } from "../instance/paths.ts";

/** The repository this program runs from. */
export const repositoryDirectory = fileURLToPath(new URL("../../../..", import.meta.url)).replace(/\/$/, "");

/**
 * Tells two states of the source apart, so that `up` after an upgrade restarts what the upgrade changed. Sizes and times
 * are enough: a file that is touched without being changed costs one harmless restart.
 */
export function codeVersion(program: ProgramName): string {
  const hash = createHash("sha256").update(readFileSync(join(repositoryDirectory, "package-lock.json")));
  const files = globSync([`apps/${program}/{src,migrations}/**/*.{ts,sql}`, "libs/*/src/**/*.ts"], {
    cwd: repositoryDirectory,
  }).filter((file) => !file.endsWith(".test.ts"));
  for (const file of files.toSorted()) {
    const { size, mtimeMs } = statSync(join(repositoryDirectory, file));
    hash.update(`${file} ${size} ${mtimeMs}\n`);
  }
  return hash.digest("hex").slice(0, 16);
}
