import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { heldByOthers, registerSlot, registeredSlots, releaseSlot } from "./slot-register.ts";

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

test("a name has one holder on the machine, whatever the data directory", () => {
  const scratch = mkdtempSync(join(tmpdir(), "andromede-register-"));
  try {
    const register = join(scratch, "register");
    const make = (data: string, name: string): string => {
      const directory = join(scratch, data, name);
      mkdirSync(directory, { recursive: true });
      writeFileSync(join(directory, "config.json"), "{}");
      return directory;
    };
    const mine = make("mine", "cloud");
    const yours = make("yours", "cloud");
    registerSlot(1, mine, register);
    assert.throws(() => registerSlot(2, yours, register), /an instance named cloud already, in .*mine/);
    assert.deepEqual(registeredSlots(register), new Map([[1, mine]]));
    assert.deepEqual(heldByOthers(2, yours, register), { slot: null, name: mine });
    assert.deepEqual(heldByOthers(1, yours, register), { slot: mine, name: mine });
    assert.deepEqual(heldByOthers(1, mine, register), { slot: null, name: null });
    registerSlot(2, make("yours", "other"), register);
    assert.deepEqual(heldByOthers(1, mine, register), { slot: null, name: null });
  } finally {
    rmSync(scratch, { recursive: true });
  }
});
