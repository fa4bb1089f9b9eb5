/** `andromede test`: the checks and every suite, from nothing; the last line is `N passed, N failed`. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { ensureEngineRoot } from "@andromede/engines/engine-root";
import { runCommand } from "@andromede/engines/run-command";

import { ensureBuiltImage } from "../cloud/built-images.ts";
import { listInstances } from "../instance/instance-config.ts";
import { DATA_LOCK_MS, dataLock, withMachineLock } from "../instance/machine-lock.ts";
import { LONG_SUITES, type TestCommand } from "../options.ts";
import { duration, report, reportJson, say } from "../output.ts";
import type { Counts } from "../testing/count-reporter.ts";
import { chooseManager } from "../supervision/choose-manager.ts";
import { repositoryDirectory } from "../units/code-version.ts";

const REPORTER = fileURLToPath(new URL("../testing/count-reporter.ts", import.meta.url));
/** Suites whose tests share a whole cloud, which goes down after them. */
const WITH_CLOUD = ["e2e", ...LONG_SUITES];
/** Suites whose tests share engines, namespaces or a whole cloud. */
const ONE_AT_A_TIME = ["contract", ...WITH_CLOUD];
/** A test that hangs is a failed test, and the others get their turn. */
const TEST_TIMEOUT_MS = 15 * 60_000;
const LONG_TIMEOUT_MS = 3 * 60 * 60_000;
/** Run under "unit", with counts. */
const NOT_A_CHECK = "test:unit";

type SuiteResult = Counts & { suite: string; ms: number };

export async function runTests(command: TestCommand): Promise<number> {
  await mkdir(command.data, { recursive: true });
  const foreign = await runningInstances(command.data);
  say("== engine root");
  const root = await withMachineLock(
    dataLock(command.data, "engine-root"),
    DATA_LOCK_MS,
    () => undefined,
    () => ensureEngineRoot(command.data, (line) => /^[IWE]: /.test(line) && say(line)),
  );
  const environment = {
    ...process.env,
    ANDROMEDE_ENGINE_ROOT: root.directory,
    ...(command.suites.some((suite) => ONE_AT_A_TIME.includes(suite))
      ? { ANDROMEDE_MINI_IMAGE: await miniImage(command.data, root.directory) }
      : {}),
    ANDROMEDE_TEST_DATA: command.data,
    PATH: `${join(repositoryDirectory, "node_modules/.bin")}:${process.env["PATH"] ?? ""}`,
  };
  const results: SuiteResult[] = [];
  for (const suite of command.suites) {
    const start = performance.now();
    say(`== ${suite}`);
    // Suites take turns: two at once would measure each other.
    // eslint-disable-next-line no-await-in-loop
    const counts = suite === "check" ? await runChecks(environment) : await runSuite(suite, environment);
    results.push({ suite, ...counts, ms: Math.round(performance.now() - start) });
  }
  const all = total(results);
  if (command.suites.some((suite) => WITH_CLOUD.includes(suite))) await tidy(command, foreign, all.failed === 0);
  for (const { suite, passed, failed, ms } of results)
    say(`${suite}: ${passed} passed, ${failed} failed in ${duration(ms)}`);
  if (command.json) reportJson({ ...all, suites: results });
  report(closingLine(all));
  return all.failed === 0 && all.passed > 0 ? 0 : 1;
}

/** Guests of the tests boot it, or its kernel: on a new machine nobody has built it before them. */
async function miniImage(data: string, engineRoot: string): Promise<string> {
  say("== image mini");
  const image = await withMachineLock(
    dataLock(data, "image-mini"),
    DATA_LOCK_MS,
    () => undefined,
    () => ensureBuiltImage({ data, engineRoot }, "mini", () => undefined),
  );
  return image.file;
}

/** Pure. */
export const total = (results: Counts[]): Counts =>
  results.reduce(
    (sum, { passed, failed, skipped }) => ({
      passed: sum.passed + passed,
      failed: sum.failed + failed,
      skipped: sum.skipped + skipped,
    }),
    { passed: 0, failed: 0, skipped: 0 },
  );

/** The line that ends a run. Pure. */
export const closingLine = ({ passed, failed, skipped }: Counts): string =>
  `${passed} passed, ${failed} failed${skipped === 0 ? "" : `, ${skipped} skipped`}`;

/** The parts of `npm run check`, each counted as one test. Pure. */
export function checkSteps(scripts: { [name: string]: string }): string[] {
  return (scripts["check"] ?? "")
    .split("&&")
    .map((part) => /^npm run (\S+)$/.exec(part.trim())?.[1])
    .filter((name) => name !== undefined && name !== NOT_A_CHECK)
    .map(String);
}

async function runChecks(environment: NodeJS.ProcessEnv): Promise<Counts> {
  const { scripts } = JSON.parse(await readFile(join(repositoryDirectory, "package.json"), "utf8")) as {
    scripts: { [name: string]: string };
  };
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  for (const step of checkSteps(scripts)) {
    // eslint-disable-next-line no-await-in-loop
    const code = await show(["npm", "run", "--silent", step], environment);
    say(`${code === 0 ? "passed" : "FAILED"}: npm run ${step}`);
    if (code === 0) counts.passed += 1;
    else counts.failed += 1;
  }
  return counts;
}

async function runSuite(suite: string, environment: NodeJS.ProcessEnv): Promise<Counts> {
  const files = (await runCommand([process.execPath, "tools/list-tests.ts", suite], { cwd: repositoryDirectory }))
    .trim()
    .split("\n")
    .filter((file) => file !== "");
  if (files.length === 0) return { passed: 0, failed: 1, skipped: 0 };
  const scratch = await mkdtemp(join(tmpdir(), "andromede-counts-"));
  const output = join(scratch, "counts");
  try {
    const code = await show(
      [
        process.execPath,
        "--test",
        `--test-timeout=${LONG_SUITES.includes(suite) ? LONG_TIMEOUT_MS : TEST_TIMEOUT_MS}`,
        ...(ONE_AT_A_TIME.includes(suite) ? ["--test-concurrency=1"] : []),
        "--test-reporter=spec",
        "--test-reporter-destination=stdout",
        `--test-reporter=${REPORTER}`,
        `--test-reporter-destination=${output}`,
        ...files,
      ],
      environment,
    );
    return judge(code, await readFile(output, "utf8").catch(() => ""));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** What a run of node:test comes to; one that ended badly without a failed test is itself one failure. Pure. */
export function judge(exitCode: number, counted: string): Counts {
  if (counted.trim() === "") return { passed: 0, failed: 1, skipped: 0 };
  const counts = JSON.parse(counted) as Counts;
  return exitCode !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

/** Runs a program with its words shown on standard error; gives its exit code. */
async function show(argv: string[], environment: NodeJS.ProcessEnv): Promise<number> {
  const [program = "", ...args] = argv;
  const child = spawn(program, args, { cwd: repositoryDirectory, env: environment, stdio: ["ignore", 2, 2] });
  const [code] = (await once(child, "close")) as [number | null];
  return code ?? 128;
}

/** Instances that run already belong to somebody else, who may be in the middle of something. */
async function runningInstances(data: string): Promise<Set<string>> {
  const names = await listInstances(data);
  const units = await Promise.all(names.map((name) => chooseManager(name, join(data, name)).status()));
  return new Set(names.filter((_, index) => (units[index] ?? []).some(({ state }) => state === "running")));
}

/** The clouds that end-to-end tests left up go down: wholly after success; with their logs and data kept after a failure. */
async function tidy(command: TestCommand, foreign: Set<string>, passed: boolean): Promise<void> {
  const script = join(repositoryDirectory, "andromede");
  const how = passed ? ["--purge", "--keep-engines", "--yes"] : [];
  for (const instance of await listInstances(command.data)) {
    if (foreign.has(instance)) continue;
    // eslint-disable-next-line no-await-in-loop
    await show([script, "down", ...how, "--instance", instance, "--data", command.data], process.env);
  }
}
