/**
 * Runs dependency-cruiser over the sources and makes sure it really looked: as many modules as there are files, and
 * one planted violation of every rule found (planted and uprooted here). A cruise of nothing is green too.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { globSync } from "node:fs";
import { dirname, join } from "node:path";
import { spawnSync } from "node:child_process";

type Cruise = { summary: { violations: { rule: { name: string }; from: string; to: string }[]; totalCruised: number } };

const ROOT = join(import.meta.dirname, "..");
const CANARY = join(ROOT, "apps/control-plane/src/services/zz-canary");

/** Rule -> files that break it. Paths are below CANARY, or absolute places that only exist during the check. */
const PLANTED: { [rule: string]: { [file: string]: string } } = {
  "core-knows-no-service": { "../../http/zz-canary.ts": 'import type {} from "../services/zz-canary/public.ts";\n' },
  "services-meet-through-public": { "meets.ts": 'import type {} from "../identity/service.ts";\n' },
  "front-without-sql": {
    "thing.handlers.ts": 'import type {} from "./thing.queries.ts";\n',
    "thing.queries.ts": "export {};\n",
  },
  "pure-means-pure": { "thing.plan.ts": 'import { join } from "node:path";\nexport const path = join;\n' },
  "apps-never-import-apps": { "app.ts": 'import type {} from "../../../../cli/src/main.ts";\n' },
  "no-cycles": { "one.ts": 'import "./two.ts";\n', "two.ts": 'import "./one.ts";\n' },
};

function cruise(): Cruise {
  const result = spawnSync(
    process.execPath,
    [
      "node_modules/dependency-cruiser/bin/dependency-cruiser.mjs",
      "--output-type",
      "json",
      "--config",
      ".dependency-cruiser.mjs",
      "apps",
      "libs",
    ],
    { cwd: ROOT, encoding: "utf8", maxBuffer: 1 << 28 },
  );
  if (result.stdout === "") throw new Error(`dependency-cruiser said nothing: ${result.stderr}`);
  return JSON.parse(result.stdout) as Cruise;
}

function plant(): void {
  mkdirSync(CANARY, { recursive: true });
  writeFileSync(join(CANARY, "public.ts"), "export {};\n");
  for (const files of Object.values(PLANTED)) {
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(CANARY, file)), { recursive: true });
      writeFileSync(join(CANARY, file), text);
    }
  }
}

function uproot(): void {
  for (const files of Object.values(PLANTED))
    for (const file of Object.keys(files)) rmSync(join(CANARY, file), { force: true });
  rmSync(CANARY, { recursive: true, force: true });
}

function check(): string[] {
  plant();
  let planted: Cruise;
  try {
    planted = cruise();
  } finally {
    uproot();
  }
  const isCanary = (path: string): boolean => path.includes("zz-canary");
  const { violations, totalCruised } = planted.summary;
  const problems = violations
    .filter((violation) => !isCanary(violation.from) && !isCanary(violation.to))
    .map((violation) => `${violation.rule.name}: ${violation.from} -> ${violation.to}`);
  const found = new Set(
    violations.filter((violation) => isCanary(violation.from)).map((violation) => violation.rule.name),
  );
  for (const rule of Object.keys(PLANTED))
    if (!found.has(rule)) problems.push(`the planted violation of ${rule} was not found`);
  const files = globSync(["apps/*/src/**/*.ts", "libs/*/src/**/*.ts"], { cwd: ROOT }).filter(
    (file) => !file.endsWith(".gen.ts"),
  );
  if (totalCruised < files.length)
    problems.push(`only ${totalCruised} modules were cruised, ${files.length} files exist`);
  return problems;
}

const rules = readFileSync(join(ROOT, ".dependency-cruiser.mjs"), "utf8").match(/name: "[a-z-]+"/g) ?? [];
const problems = check();
if (rules.length !== Object.keys(PLANTED).length)
  problems.push("a rule of .dependency-cruiser.mjs has no planted violation");
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.stdout.write(problems.length === 0 ? "layers: ok\n" : `layers: ${problems.length} problems\n`);
process.exitCode = problems.length === 0 ? 0 : 1;
