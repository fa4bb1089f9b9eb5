/**
 * Writes the generated files that are checked in; with `--check`, says which are stale and changes nothing. A generated
 * file that is checked in is a test: review sees what a change does to the schema, the policy and the API.
 *
 *     npm run gen [-- --check]
 *
 * Needs the engine root, for its PostgreSQL and OVN's schemas: ./andromede up once, or ANDROMEDE_ENGINE_ROOT.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { engineRoot } from "../libs/testkit/src/cluster.ts";
import { interopDocument, policyDocument } from "./generate/api-tables.ts";
import { ovsdbTypes } from "./generate/ovsdb-types.ts";
import { schemaDump } from "./generate/schema.ts";

const ROOT = join(import.meta.dirname, "..");
const check = process.argv.includes("--check");

const files: { [path: string]: string } = {
  "apps/control-plane/schema.sql": await schemaDump(),
  "docs/api/policy.md": policyDocument(),
  "docs/interop.md": interopDocument(),
  ...ovsdbTypes(engineRoot()),
};

const stale = Object.entries(files).filter(([path, text]) => {
  const file = join(ROOT, path);
  return !existsSync(file) || readFileSync(file, "utf8") !== text;
});
for (const [path, text] of stale) {
  process.stdout.write(`${check ? "stale" : "written"}: ${path}\n`);
  if (check) continue;
  mkdirSync(dirname(join(ROOT, path)), { recursive: true });
  writeFileSync(join(ROOT, path), text);
}
process.stdout.write(`${Object.keys(files).length} generated files, ${stale.length} ${check ? "stale" : "written"}\n`);
process.exitCode = check && stale.length > 0 ? 1 : 0;
