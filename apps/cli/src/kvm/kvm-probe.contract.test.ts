/** The probe on a real QEMU: TCG works everywhere, so it stands for a machine where guests boot. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";

import { waitUntil } from "@andromede/base/waiting";
import { engineRoot } from "@andromede/testkit/engines";

import { bootId, listProcesses, commandLine } from "../supervision/processes.ts";
import { ensureKvmVerdict, probeAccelerator } from "./kvm-probe.ts";

describe("the probe", () => {
  const directory = mkdtempSync(join(tmpdir(), "andromede-probe-"));
  after(() => rmSync(directory, { recursive: true }));
  const left = (): unknown[] =>
    listProcesses().filter(({ pid }) => commandLine(pid).some((word) => word.includes(directory)));

  test("sees a real kernel reach its user land", async () => {
    assert.deepEqual(await probeAccelerator(directory, engineRoot(), "tcg", 60_000), {
      booted: true,
      reason: "a guest kernel booted to its user land",
    });
    assert.deepEqual(left(), []);
  });

  test("gives up at its deadline and leaves nothing", async () => {
    const { booted, reason } = await probeAccelerator(directory, engineRoot(), "tcg", 50);
    assert.equal(booted, false);
    assert.match(reason, /within 0.05 s/);
    assert.deepEqual(left(), []);
    assert.deepEqual(readdirSync(directory), []);
  });

  test("what a killed probe left is gone with it, or with the next", async () => {
    const code = `import("${new URL("kvm-probe.ts", import.meta.url).href}").then((module) =>
      module.probeAccelerator(${JSON.stringify(directory)}, ${JSON.stringify(engineRoot())}, "tcg", 60_000))`;
    const child = spawn(process.execPath, ["--eval", code], { stdio: "ignore" });
    await waitUntil("its QEMU", () => left().length > 2, { timeoutMs: 30_000 });
    child.kill("SIGKILL");
    await waitUntil("the end of its QEMU", () => left().length === 0, { timeoutMs: 30_000 });
    assert.equal(readdirSync(directory).length, 1);
    await probeAccelerator(directory, engineRoot(), "tcg", 50);
    assert.deepEqual(readdirSync(directory), []);
  });

  test("a verdict of this boot and engine root is not asked for again; another's is", async () => {
    const remembered = {
      accelerator: "kvm",
      reason: "remembered",
      bootId: bootId(),
      engineRoot: engineRoot(),
      probedAt: "2026-01-01T00:00:00.000Z",
    };
    writeFileSync(join(directory, "kvm-probe.json"), JSON.stringify(remembered));
    assert.deepEqual(await ensureKvmVerdict(directory, engineRoot()), remembered);
    writeFileSync(join(directory, "kvm-probe.json"), JSON.stringify({ ...remembered, bootId: "another boot" }));
    const fresh = await ensureKvmVerdict(directory, engineRoot());
    assert.equal(fresh.bootId, bootId());
    assert.notEqual(fresh.reason, "remembered");
  });
});
