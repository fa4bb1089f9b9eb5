import assert from "node:assert/strict";
import { test } from "node:test";

import { type Timing, runPlan } from "./steps.ts";

test("steps run in their order, those together at the same time, and each is timed", async () => {
  const order: string[] = [];
  const timings: Timing[] = [];
  const first = Promise.withResolvers<undefined>();
  const step = (title: string, before: Promise<unknown> = Promise.resolve()) => ({
    title,
    run: async () => {
      await before;
      order.push(title);
      if (title === "c") first.resolve(undefined);
    },
  });
  await runPlan(
    [step("a"), { title: "both", together: [step("b", first.promise), { title: "s", series: [step("c")] }] }],
    timings,
  );
  assert.deepEqual(order, ["a", "c", "b"]);
  assert.deepEqual(
    timings.map((timing) => timing.step),
    ["a", "c", "b"],
  );
});

test("the first error is thrown whole, once the others have ended; nothing new begins", async () => {
  const slow = Promise.withResolvers<undefined>();
  const slowBegan = Promise.withResolvers<undefined>();
  const events: string[] = [];
  const failure = new Error("broken\nin two lines");
  const fails = async (): Promise<never> => {
    await slowBegan.promise;
    setImmediate(() => slow.resolve(undefined));
    throw failure;
  };
  const slowly = async (): Promise<void> => {
    slowBegan.resolve(undefined);
    await slow.promise;
    events.push("slow ended");
  };
  const next = (): Promise<unknown> => Promise.resolve(events.push("next begun"));
  const series = [
    { title: "slow", run: slowly },
    { title: "next", run: next },
  ];
  const together = [
    { title: "fails", run: fails },
    { title: "goes on", series },
  ];
  await assert.rejects(runPlan([{ title: "both", together }], []), (error) => error === failure);
  assert.deepEqual(events, ["slow ended"]);
});
