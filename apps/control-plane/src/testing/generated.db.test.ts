/** Generated files that are checked in are what would be generated now (tools/generate.ts). */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { it } from "node:test";

it("has no stale generated file", () => {
  const root = join(import.meta.dirname, "../../../..");
  const result = spawnSync(process.execPath, ["tools/generate.ts", "--check"], { cwd: root, encoding: "utf8" });
  assert.equal(result.status, 0, `run npm run gen and look at the difference:\n${result.stdout}${result.stderr}`);
  assert.match(result.stdout, /^6 generated files, 0 stale$/m);
});
