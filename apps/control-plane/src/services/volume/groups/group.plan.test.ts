import assert from "node:assert/strict";
import { test } from "node:test";

import type { GroupStatus } from "./group.model.ts";
import { planWhole } from "./group.plan.ts";

test("what becomes of the whole follows from its parts", () => {
  for (const [status, parts, expected] of [
    ["creating", [], "available"],
    ["creating", ["available", "creating"], "rest"],
    ["creating", ["error", "creating"], "rest"],
    ["creating", ["available", "in-use"], "available"],
    ["creating", ["available", "error"], "error"],
    ["creating", ["error_deleting"], "error"],
    ["deleting", ["deleting", "error_deleting"], "rest"],
    ["deleting", ["error_deleting"], "error_deleting"],
    ["deleting", [], "forget"],
    ["available", [], "rest"],
    ["available", ["error"], "rest"],
    ["error", ["creating"], "rest"],
  ] as [GroupStatus, string[], string][]) {
    const step = planWhole(status, parts);
    assert.equal(step.step === "settle" ? step.status : step.step, expected, `${status}: ${parts.join(", ")}`);
  }
});
