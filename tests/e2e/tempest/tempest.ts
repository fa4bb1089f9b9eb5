/** Runs a list of tempest's tests against a cloud, and says what became of each. */
import { existsSync } from "node:fs";
import { appendFile, copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { inDebian } from "../support/debian.ts";

export type Outcome = { passed: boolean; seconds: number; why: string };

/** One line of results.py. */
export type Result = { id: string; status: string; text: string; seconds: number };

/** One id a line; `#` starts a comment. */
export async function readList(name: string): Promise<string[]> {
  const text = await readFile(join(import.meta.dirname, "lists", name), "utf8");
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

/** Attributes in the brackets depend on the configuration ("slow" comes with logins): a test is known by its name and id. Pure. */
export function keyOf(test: string): string {
  const [name = "", brackets = ""] = test.split("[");
  const id = brackets.split(/[\],]/).find((attribute) => attribute.startsWith("id-"));
  return `${name} ${id ?? ""}`;
}

/**
 * Runs them, two at a time. `directory` has tempest.conf and what that names, and keeps the logs.
 * A test that is not there, was skipped or came to no end is a failed one.
 */
export async function runTempest(root: string, directory: string, wanted: string[]): Promise<Map<string, Outcome>> {
  const environment = { TEMPEST_CONFIG: join(directory, "tempest.conf"), TEMPEST_CONFIG_DIR: directory };
  const tempest = async (command: string[], timeoutMs: number): Promise<string> => {
    const finished = await inDebian(root, { directory, environment }, command, timeoutMs);
    await appendFile(join(directory, "run.log"), `\n$ ${command.join(" ")}\n${finished.stdout}${finished.stderr}`);
    return finished.stdout;
  };
  const library = "/usr/lib/python3/dist-packages/tempest";
  await mkdir(join(directory, "locks"), { recursive: true });
  await writeFile(
    join(directory, ".stestr.conf"),
    `[DEFAULT]\ntest_path=${library}/test_discover\ntop_dir=${library}\ngroup_regex=([^\\.]*\\.)*\n`,
  );
  await copyFile(join(import.meta.dirname, "results.py"), join(directory, "results.py"));
  await tempest(["stestr", "init"], 60_000);
  const known = new Map(
    (await tempest(["stestr", "list"], 300_000))
      .split("\n")
      .filter((line) => line.includes("[id-"))
      .map((line) => [keyOf(line), line]),
  );
  const there = wanted.map((test) => known.get(keyOf(test))).filter((test) => test !== undefined);
  await writeFile(join(directory, "run.txt"), there.map((test) => `${test}\n`).join(""));
  await tempest(
    ["tempest", "run", "--config-file", "tempest.conf", "--load-list", "run.txt", "--concurrency", "2"],
    3 * 60 * 60_000,
  );
  if (!existsSync(join(directory, ".stestr/0"))) throw new Error(`tempest left no result: see ${directory}/run.log`);
  const printed = await tempest(["sh", "-c", "stestr last --subunit | python3 results.py"], 60_000);
  const results = printed
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Result);
  return judge(wanted, known, results);
}

/** Pure. */
export function judge(wanted: string[], known: Map<string, string>, results: Result[]): Map<string, Outcome> {
  const ended = new Map(results.map((result) => [keyOf(result.id), result]));
  // a class that cannot be prepared, or is skipped, says so in the place of its tests
  const classes = new Map(
    results.flatMap((result) => {
      const name = /^setUpClass \((.*)\)$/.exec(result.id)?.[1];
      return name === undefined ? [] : [[name, result]];
    }),
  );
  return new Map(
    wanted.map((test) => {
      const result = ended.get(keyOf(test)) ?? classes.get(test.split("[")[0]?.replace(/\.[^.]*$/, "") ?? "");
      if (result === undefined) {
        const why = known.has(keyOf(test)) ? "came to no end" : "tempest has no such test";
        return [test, { passed: false, seconds: 0, why }];
      }
      const { status, text, seconds } = result;
      return [test, { passed: status === "success", seconds, why: `${status}: ${text.slice(-3000)}` }];
    }),
  );
}
