import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { registerSlot, registeredSlots, releaseSlot } from "./slot-register.ts";

test("a slot has one holder until that one is gone", () => {
  const scratch = mkdtempSync(join(tmpdir(), "andromede-register-"));
  try {
    const register = join(scratch, "register");
    const [one, two] = ["one", "two"].map((name) => {
      const directory = join(scratch, name);
      mkdirSync(directory);
      writeFileSync(join(directory, "config.json"), "{}");
      return directory;
    });
    assert.ok(one !== undefined && two !== undefined);
    assert.deepEqual(registeredSlots(register), new Map());
    registerSlot(1, one, register);
    registerSlot(1, one, register);
    assert.throws(() => registerSlot(1, two, register), /used by the instance in .*one/);
    releaseSlot(1, two, register);
    assert.deepEqual(registeredSlots(register), new Map([[1, one]]));
    rmSync(one, { recursive: true });
    assert.deepEqual(registeredSlots(register), new Map());
    registerSlot(1, two, register);
    releaseSlot(1, two, register);
    assert.equal(existsSync(register), false);
  } finally {
    rmSync(scratch, { recursive: true });
  }
});
