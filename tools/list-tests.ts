/** Names the test files of a suite, one a line: `node tools/list-tests.ts unit|db|contract|e2e|slow|interop`. The suffix or the folder says which. */
import { globSync } from "node:fs";

const [suite = "unit"] = process.argv.slice(2);
const all = globSync([
  "apps/*/src/**/*.test.ts",
  "libs/*/src/**/*.test.ts",
  "engines/**/*.test.ts",
  "tests/**/*.test.ts",
]).filter((file) => !file.includes("node_modules"));

function suiteOf(file: string): string {
  if (file.endsWith(".slow.test.ts")) return "slow";
  if (file.endsWith(".interop.test.ts")) return "interop";
  if (file.startsWith("tests/e2e/")) return "e2e";
  if (file.startsWith("tests/contract/") || file.endsWith(".contract.test.ts")) return "contract";
  return file.endsWith(".db.test.ts") ? "db" : "unit";
}

process.stdout.write(
  `${all
    .filter((file) => suiteOf(file) === suite)
    .toSorted()
    .join("\n")}\n`,
);
