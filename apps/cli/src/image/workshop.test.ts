import assert from "node:assert/strict";
import { test } from "node:test";

import { debianSources, jailArguments, runProgram } from "./workshop.ts";

test("packages come from Debian 13, its updates and its security fixes", () => {
  assert.deepEqual(debianSources("http://deb.debian.org/"), [
    "deb http://deb.debian.org/debian trixie main",
    "deb http://deb.debian.org/debian trixie-updates main",
    "deb http://deb.debian.org/debian-security trixie-security main",
  ]);
});

test("the jail has no network, ends with us and sees only what is bound", () => {
  const argv = jailArguments("/root-of-tools", "read", { readOnly: [["/a", "/recipe"]], writable: [["/b", "/out"]] });
  const text = argv.join(" ");
  assert.match(text, /^bwrap /);
  assert.match(text, /--ro-bind \/root-of-tools \/ /);
  assert.match(text, /--ro-bind \/a \/recipe --bind \/b \/out /);
  for (const flag of ["--unshare-net", "--unshare-pid", "--die-with-parent"]) assert.ok(argv.includes(flag), flag);
  assert.match(jailArguments("/w", "write", {}).join(" "), /--bind \/w \/ /);
});

test("a program's steps and its other lines are told apart", async () => {
  const steps: string[] = [];
  const lines: string[] = [];
  const output = { log: (line: string) => lines.push(line), onStep: (step: string) => steps.push(step) };
  await runProgram(["sh", "-c", 'echo "step: one"; echo plain; echo "step: two"; echo bad >&2'], {}, output);
  assert.deepEqual(steps, ["one", "two"]);
  assert.deepEqual(lines.toSorted(), ["bad", "plain"]);
});

test("a program that fails says how, with its last lines; one that is not there says so", async () => {
  const output = { log: () => undefined, onStep: () => undefined };
  await assert.rejects(
    runProgram(["sh", "-c", "echo no space left >&2; exit 3"], {}, output),
    /sh failed \(exit 3\):\nno space left/,
  );
  await assert.rejects(runProgram(["/nonexistent/tool"], {}, output), /\/nonexistent\/tool failed/);
});

test("only the way to the archive passes from the environment", async () => {
  process.env["SECRET_OF_THE_CALLER"] = "x";
  const lines: string[] = [];
  await runProgram(["env"], { GIVEN: "yes" }, { log: (line) => lines.push(line), onStep: () => undefined });
  delete process.env["SECRET_OF_THE_CALLER"];
  assert.ok(lines.includes("GIVEN=yes"));
  assert.ok(!lines.some((line) => line.startsWith("SECRET_OF_THE_CALLER")));
});
