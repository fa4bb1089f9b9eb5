import assert from "node:assert/strict";
import { test } from "node:test";

import { manualClock } from "@andromede/base/clock";
import { silentLogger } from "@andromede/base/log";

import { TrafficMeter, type TrafficRow } from "./traffic.ts";

const HOUR = 3_600_000;
const one = { reads: 1, writes: 0, bytesIn: 10, bytesOut: 1_000 };

test("what goes through is added up by project and hour, and kept while it cannot be written", async () => {
  const clock = manualClock(5 * HOUR);
  const written: TrafficRow[][] = [];
  let away = true;
  const meter = new TrafficMeter({
    clock,
    log: silentLogger,
    perSecond: undefined,
    write: (rows) => {
      if (away) return Promise.reject(new Error("away"));
      written.push(rows);
      return Promise.resolve();
    },
  });
  meter.count("a", one);
  meter.count("a", { ...one, reads: 0, writes: 1 });
  meter.count("b", one);
  await meter.flush();
  assert.deepEqual(written, []);
  away = false;
  clock.advance(HOUR);
  meter.count("a", one);
  await meter.stop();
  assert.deepEqual(written, [
    [
      { projectId: "a", hour: new Date(5 * HOUR), reads: 1, writes: 1, bytesIn: 20, bytesOut: 2_000 },
      { projectId: "b", hour: new Date(5 * HOUR), ...one },
      { projectId: "a", hour: new Date(6 * HOUR), ...one },
    ],
  ]);
});

test("a project that asks too often is told to slow down, and nobody else", () => {
  const clock = manualClock(0);
  const meter = new TrafficMeter({ clock, log: silentLogger, perSecond: 2, write: () => Promise.resolve() });
  for (let time = 0; time < 4; time += 1) meter.admit("a");
  assert.throws(() => meter.admit("a"), { type: "SlowDown" });
  meter.admit("b");
  clock.advance(500);
  meter.admit("a");
  assert.throws(() => meter.admit("a"), { kind: "unavailable" });
});
