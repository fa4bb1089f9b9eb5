import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";

import type { GuestSpec } from "@andromede/agent-api/types";
import { manualClock } from "@andromede/base/clock";
import { silentLogger } from "@andromede/base/log";

import { FORGOTTEN_KEY, type Ledger, type LedgerEntry, openLedger } from "./ledger.ts";

const spec = (generation: number, changes: Partial<GuestSpec> = {}): GuestSpec => ({
  id: "11111111-1111-4111-8111-111111111111",
  name: "g",
  generation,
  power: "running",
  vcpus: 1,
  memoryMib: 64,
  disks: [],
  images: [],
  interfaces: [],
  configDrive: false,
  metadata: { files: {} },
  addresses: [],
  networks: [],
  ...changes,
});
const ID = spec(1).id;

describe("ledger", () => {
  let directory: string;
  const clock = manualClock(1_000_000);
  const open = (): Promise<Ledger> => openLedger({ directory, clock, log: silentLogger });
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "andromede-ledger-"));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  test("what was stored is there after a restart", async () => {
    const ledger = await open();
    await ledger.put(spec(1));
    await ledger.wantReboot(ID, "hard", "n");
    assert.deepEqual((await open()).get(ID), ledger.get(ID));
    assert.deepEqual(ledger.get(ID)?.reboot, { kind: "hard", nonce: "n" });
  });

  test("keys of volumes are not written, and what is told again after a restart is news", async () => {
    const key = `${"K".repeat(43)}=`;
    const volume = { kind: "volume", volumeId: "v", readOnly: false, shared: false } as const;
    const disks = [
      { id: "v", source: { ...volume, key }, sizeGib: 1 },
      { id: "w", source: { ...volume, key: null }, sizeGib: 1 },
    ];
    const ledger = await open();
    const entry = await ledger.put(spec(1, { disks }));
    assert.deepEqual(entry.spec.disks, disks);
    assert.equal(await ledger.put(spec(1, { disks })), entry);
    assert.ok(!readFileSync(join(directory, `${ID}.json`), "utf8").includes(key));
    const later = await open();
    const keys = (found: LedgerEntry | undefined): unknown[] =>
      (found?.spec.disks ?? []).map(({ source }) => (source.kind === "volume" ? source.key : undefined));
    assert.deepEqual(keys(later.get(ID)), [FORGOTTEN_KEY, null]);
    await later.wantReboot(ID, "hard", "n");
    await later.put(spec(1, { disks }));
    assert.deepEqual(keys(later.get(ID)), [key, null]);
    assert.ok(!readFileSync(join(directory, `${ID}.json`), "utf8").includes(key));
  });

  test("older generations are refused, whichever way they come", async () => {
    const ledger = await open();
    await ledger.put(spec(5));
    await assert.rejects(ledger.put(spec(4)), /older than 5/);
    await assert.rejects(ledger.remove(ID, 4), /older than 5/);
    const file = readFileSync(join(directory, `${ID}.json`), "utf8");
    const entry = ledger.get(ID);
    assert.equal(await ledger.put(spec(5)), entry);
    assert.equal(readFileSync(join(directory, `${ID}.json`), "utf8"), file);
  });

  test("a deleted guest stays deleted for an hour, over restarts", async () => {
    const ledger = await open();
    await ledger.put(spec(1));
    await ledger.remove(ID, 2);
    await assert.rejects(ledger.put(spec(3)), /is being deleted/);
    await ledger.forget(ID);
    const later = await open();
    assert.equal(later.get(ID), undefined);
    assert.equal(later.knows(ID), false);
    await assert.rejects(later.put(spec(2)), /older than 2/);
    clock.advance(3_600_000);
    await later.tidy();
    assert.deepEqual(readdirSync(directory), []);
    await later.put(spec(1));
    assert.equal(later.knows(ID), true);
  });

  test("a deleted guest may be wanted anew", async () => {
    const ledger = await open();
    await ledger.put(spec(1));
    await ledger.remove(ID, 2);
    await ledger.forget(ID);
    await ledger.put(spec(3));
    clock.advance(3_600_000);
    await ledger.tidy();
    assert.equal((await open()).get(ID)?.generation, 3);
  });

  test("what the guest did itself holds until the customer says something of power", async () => {
    const ledger = await open();
    await ledger.put(spec(1));
    await ledger.noteHalted(ID);
    assert.equal((await ledger.put(spec(2, { name: "renamed" }))).halted, true);
    assert.equal((await ledger.put(spec(3, { powerNonce: "again" }))).halted, false);
    await ledger.noteHalted(ID);
    assert.equal((await ledger.put(spec(4, { power: "stopped", powerNonce: "again" }))).halted, false);
    await ledger.noteHalted(ID);
    await ledger.wantReboot(ID, "hard", "n");
    await ledger.noteRebootDown(ID, "n");
    assert.equal(ledger.get(ID)?.halted, false);
  });

  test("a reboot is wanted once a nonce; one that comes during another is kept", async () => {
    const ledger = await open();
    await ledger.put(spec(1));
    await ledger.wantReboot(ID, "soft", "one");
    await ledger.wantReboot(ID, "hard", "two");
    await ledger.noteRebootDown(ID, "one");
    assert.deepEqual(ledger.get(ID)?.reboot, { kind: "hard", nonce: "two" });
    await ledger.noteRebootDown(ID, "two");
    const done = ledger.get(ID);
    assert.equal(await ledger.wantReboot(ID, "hard", "two"), done);
    assert.equal(done?.reboot, null);
    assert.equal(done?.rebootDone, "two");
  });

  test("writes of one guest that come together happen one after the other", async () => {
    const ledger = await open();
    const puts = Array.from({ length: 20 }, (_none, at) => ledger.put(spec(at + 1)));
    await Promise.all(puts);
    assert.equal((await open()).get(ID)?.generation, 20);
    assert.deepEqual(readdirSync(directory), [`${ID}.json`]);
  });

  test("a file that cannot be read is set aside, and its guest left alone", async () => {
    writeFileSync(join(directory, `${ID}.json`), "{");
    const ledger = await open();
    assert.equal(ledger.get(ID), undefined);
    assert.equal(ledger.knows(ID), true);
    assert.deepEqual(readdirSync(directory), [`${ID}.json.unreadable`]);
    assert.equal((await open()).knows(ID), true);
  });

  test("in memory only, when told so", async () => {
    const ledger = await openLedger({ directory: null, clock, log: silentLogger });
    await ledger.put(spec(1));
    await ledger.remove(ID, 1);
    await ledger.forget(ID);
    await assert.rejects(ledger.put(spec(1)), /older than 1/);
  });
});
