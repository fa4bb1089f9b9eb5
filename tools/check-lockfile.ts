/**
 * `npm ci` refuses a lock file that leaves out a package which the tree names, and npm leaves out, without a word, what
 * the registry does not have on the day: other systems' builds of a tool, published hours after the tool. So the
 * tools are pinned to versions that are there whole, and this looks that they are.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

type Lock = { packages: { [path: string]: { version?: string; optionalDependencies?: { [name: string]: string } } } };

const lock = JSON.parse(readFileSync(join(import.meta.dirname, "../package-lock.json"), "utf8")) as Lock;
const paths = Object.keys(lock.packages);
const problems = Object.entries(lock.packages).flatMap(([path, { optionalDependencies = {} }]) =>
  Object.keys(optionalDependencies)
    .filter((name) => !paths.some((other) => other.endsWith(`node_modules/${name}`)))
    .map((name) => `${path} needs ${name}, which package-lock.json lacks: pin a version that the registry has whole`),
);
if (paths.length < 2) problems.push("package-lock.json names no packages");
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.stdout.write(problems.length === 0 ? "lock file: ok\n" : `lock file: ${problems.length} problems\n`);
process.exitCode = problems.length === 0 ? 0 : 1;
