import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { test } from "node:test";

/** Node sees to the first sixteen itself (uv_disable_stdio_inheritance). */
const HIGH = 20;

/** Is the caller's descriptor open in what a program starts that did `before`? */
function reaches(before: string): boolean {
  const script = `
    import { spawnSync } from "node:child_process";
    import { closeInherited } from ${JSON.stringify(import.meta.resolve("./inherited.ts"))};
    ${before}
    const { status } = spawnSync("test", ["-e", "/proc/self/fd/${HIGH}"]);
    console.log(status === 0);`;
  const descriptor = openSync("/dev/null", "r");
  const stdio = Array.from({ length: HIGH + 1 }, (_none, index) =>
    index === HIGH ? descriptor : index < 3 ? ("pipe" as const) : ("ignore" as const),
  );
  const result = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8", stdio });
  closeSync(descriptor);
  assert.equal(result.status, 0, result.stderr);
  return result.stdout.trim() === "true";
}

test("what the caller had open goes no further", () => {
  assert.equal(reaches(""), true);
  assert.equal(reaches("closeInherited();"), false);
});
