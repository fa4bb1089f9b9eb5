import assert from "node:assert/strict";
import { test } from "node:test";

import { isAlive, parseStat, readProcess } from "./processes.ts";

test("a command with brackets and blanks is read whole", () => {
  const stat = parseStat("4242 (a (b) c) S 17 4242 4240 0 -1 4194560 1 0 0 0 5 6 0 0 20 0 1 0 987654 1 2 3");
  assert.deepEqual(stat, { pid: 4242, command: "a (b) c", state: "S", parent: 17, session: 4240, startTime: 987_654 });
});

test("a process is alive only with its own start time", () => {
  const self = readProcess(process.pid);
  assert.ok(self !== null);
  assert.equal(isAlive(self), true);
  assert.equal(isAlive({ pid: self.pid, startTime: self.startTime + 1 }), false);
});
