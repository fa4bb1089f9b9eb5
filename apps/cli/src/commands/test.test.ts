import assert from "node:assert/strict";
import { test } from "node:test";

import { checkSteps, closingLine, judge, total } from "./test.ts";

test("the parts of the check script, without the suite that is counted on its own", () => {
  assert.deepEqual(checkSteps({ check: "npm run format:check && npm run types && npm run test:unit" }), [
    "format:check",
    "types",
  ]);
  assert.deepEqual(checkSteps({}), []);
});

test("a run that ended badly without a failed test counts as one failure", () => {
  assert.deepEqual(judge(0, '{"passed":3,"failed":0,"skipped":1}'), { passed: 3, failed: 0, skipped: 1 });
  assert.deepEqual(judge(1, '{"passed":3,"failed":0,"skipped":0}'), { passed: 3, failed: 1, skipped: 0 });
  assert.deepEqual(judge(1, '{"passed":3,"failed":2,"skipped":0}'), { passed: 3, failed: 2, skipped: 0 });
  assert.deepEqual(judge(137, ""), { passed: 0, failed: 1, skipped: 0 });
});

test("the closing line", () => {
  assert.equal(
    closingLine(
      total([
        { passed: 3, failed: 0, skipped: 0 },
        { passed: 4, failed: 1, skipped: 0 },
      ]),
    ),
    "7 passed, 1 failed",
  );
  assert.equal(closingLine({ passed: 1, failed: 0, skipped: 2 }), "1 passed, 0 failed, 2 skipped");
});
