import assert from "node:assert/strict";
import { test } from "node:test";

import { planRestart } from "./restart-plan.ts";

test("deaths in a row wait longer and longer, to a limit", () => {
  let history = { quickDeaths: 0 };
  const delays = Array.from({ length: 9 }, () => {
    const plan = planRestart(history, 50);
    history = plan.history;
    return plan.delayMs;
  });
  assert.deepEqual(delays, [100, 200, 400, 800, 1600, 3200, 5_000, 5_000, 5_000]);
});

test("a process that ran long is started again at once", () => {
  assert.deepEqual(planRestart({ quickDeaths: 30 }, 60_000), { delayMs: 100, history: { quickDeaths: 1 } });
});
