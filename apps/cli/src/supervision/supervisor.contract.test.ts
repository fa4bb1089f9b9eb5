/** The supervisor on real processes: what it promises when it, its loop or a unit is killed. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";

import { waitUntil } from "@andromede/base/waiting";
import type { Unit } from "@andromede/engines/unit";

import { askSupervisor } from "./control.ts";
import { answeringPid, ensureSupervisor, keeperFiles, stopSupervisor } from "./keeper.ts";
import { bootId, listProcesses, readProcess } from "./processes.ts";
import type { UnitStatus } from "./supervisor.ts";
import { removeRecord, removeUnit, unitDirectories, writeRecord, writeUnit } from "./unit-store.ts";

const directory = mkdtempSync(join(tmpdir(), "andromede-supervisor-"));
const directories = unitDirectories(directory);
const { socket, keep } = keeperFiles(directory);

const unit = (name: string, script: string, more: Partial<Unit> = {}): Unit => ({
  name,
  description: name,
  argv: ["sh", "-c", script],
  environment: { PATH: process.env["PATH"] ?? "" },
  log: join(directory, "log", `${name}.log`),
  after: [],
  stopSignal: "SIGTERM",
  stopTimeoutMs: 2_000,
  kill: "tree",
  ...more,
});

const status = async (name: string): Promise<UnitStatus | undefined> =>
  (await askSupervisor(socket, { do: "status" })).units.find((found) => found.name === name);
const running = (name: string, not?: number): Promise<UnitStatus & { pid: number }> =>
  waitUntil(
    `${name} to run`,
    async () => {
      const found = await status(name);
      if (found === undefined || found.state !== "running" || found.pid === null || found.pid === not) return undefined;
      return { ...found, pid: found.pid };
    },
    { timeoutMs: 30_000 },
  );
async function launch(...units: Unit[]): Promise<void> {
  for (const one of units) writeUnit(directories, { unit: one, wanted: "running" });
  await askSupervisor(socket, { do: "reload" });
}
const supervisorPid = (not?: number): Promise<number> =>
  waitUntil(
    "the supervisor",
    async () => {
      const pid = await answeringPid(socket);
      return pid === null || pid === not ? undefined : pid;
    },
    { timeoutMs: 30_000 },
  );

describe("supervisor", () => {
  before(async () => {
    await ensureSupervisor(directory);
  });
  beforeEach(async () => {
    await supervisorPid();
  });
  after(async () => {
    for (const found of (await askSupervisor(socket, { do: "status" })).units) {
      await askSupervisor(socket, { do: "stop", unit: found.name });
    }
    await stopSupervisor(directory);
    rmSync(directory, { recursive: true, force: true });
  });

  test("a unit that is killed comes back; its output is in its log", async () => {
    await launch(unit("phoenix", "echo hello; exec sleep 1000"));
    const first = await running("phoenix");
    process.kill(first.pid, "SIGKILL");
    const second = await running("phoenix", first.pid);
    assert.equal(second.restarts, 1);
    assert.equal(second.lastExit, "SIGKILL");
    await waitUntil("two greetings", () => readFileSync(second.log, "utf8") === "hello\nhello\n", {
      timeoutMs: 30_000,
    });
  });

  test("a killed supervisor is replaced, and its processes never notice", async () => {
    await launch(unit("steady", "exec sleep 1000"));
    const before = await running("steady");
    const supervisor = await supervisorPid();
    process.kill(supervisor, "SIGKILL");
    await supervisorPid(supervisor);
    const then = await running("steady");
    assert.equal(then.pid, before.pid);
    assert.equal(then.restarts, 0);
    process.kill(then.pid, "SIGKILL");
    await running("steady", then.pid);
  });

  test("a process whose record was lost is found again, not started twice", async () => {
    await launch(unit("lost", "", { argv: ["sleep", "1001"] }));
    const before = await running("lost");
    const supervisor = await supervisorPid();
    removeRecord(directories, "lost");
    process.kill(supervisor, "SIGKILL");
    await supervisorPid(supervisor);
    assert.equal((await running("lost")).pid, before.pid);
  });

  test("a killed loop is replaced, and still restarts the supervisor", async () => {
    const supervisor = await supervisorPid();
    const flock = readProcess(supervisor)?.parent;
    const loop = flock === undefined ? undefined : readProcess(flock)?.parent;
    assert.ok(flock !== undefined && loop !== undefined && loop > 1);
    process.kill(loop, "SIGKILL");
    process.kill(flock, "SIGKILL");
    await waitUntil(
      "another loop",
      // The killed one may be seen for a moment yet; it will start nothing.
      () =>
        listProcesses().some(
          (stat) => stat.pid !== loop && stat.command === "sh" && stat.session === stat.pid && readsKeep(stat.pid),
        ),
      { timeoutMs: 30_000 },
    );
    assert.equal(await supervisorPid(), supervisor);
    process.kill(supervisor, "SIGKILL");
    await supervisorPid(supervisor);
  });

  test("descendants are not left over when the leader alone is killed", async () => {
    await launch(unit("family", "", { argv: ["sh", "-c", `sleep 1002 & echo $! > ${directory}/child; wait`] }));
    const first = await running("family");
    const child = await waitUntil(
      "the child",
      () => Number(existsSync(`${directory}/child`) && readFileSync(`${directory}/child`, "utf8")) || undefined,
      { timeoutMs: 30_000 },
    );
    process.kill(first.pid, "SIGKILL");
    await waitUntil("the child's end", () => readProcess(child) === null, { timeoutMs: 30_000 });
  });

  test("a pid that was noted and belongs to somebody else by now is left alone, and so is that one's session", async () => {
    // Two sessions of strangers: one with its leader, one whose leader is gone.
    const stranger = spawn("sleep", ["1006"], { detached: true, stdio: "ignore" });
    const orphanFile = join(directory, "orphan");
    const gone = spawn("sh", ["-c", `sleep 1007 & echo $! > ${orphanFile}`], { detached: true, stdio: "ignore" });
    await once(gone, "exit");
    const orphan = Number(readFileSync(orphanFile, "utf8"));
    assert.ok(stranger.pid !== undefined && gone.pid !== undefined);
    assert.equal(readProcess(orphan)?.session, gone.pid);
    try {
      const stale = { startTime: 1, bootId: bootId(), definition: "", startedAt: 0 };
      writeRecord(directories, "robbed", { ...stale, pid: stranger.pid });
      writeRecord(directories, "robbed-too", { ...stale, pid: gone.pid });
      await launch(unit("robbed", "exec sleep 1008"), unit("robbed-too", "exec sleep 1009"));
      await running("robbed");
      await running("robbed-too");
      assert.ok(readProcess(stranger.pid) !== null);
      assert.ok(readProcess(orphan) !== null);
    } finally {
      stranger.kill("SIGKILL");
      process.kill(orphan, "SIGKILL");
    }
  });

  test("what an earlier life of a unit left, in whatever session, is gone before the next begins", async () => {
    await launch(unit("runaway", `setsid sleep 1010 & echo $! > ${directory}/runaway; exec sleep 1011`));
    const first = await running("runaway");
    const child = await waitUntil(
      "the child",
      () => Number(existsSync(`${directory}/runaway`) && readFileSync(`${directory}/runaway`, "utf8")) || undefined,
      { timeoutMs: 30_000 },
    );
    const supervisor = await supervisorPid();
    // Both at once: nobody sees the unit die.
    process.kill(supervisor, "SIGSTOP");
    process.kill(first.pid, "SIGKILL");
    process.kill(supervisor, "SIGKILL");
    await supervisorPid(supervisor);
    await running("runaway", first.pid);
    await waitUntil("the child's end", () => readProcess(child) === null, { timeoutMs: 30_000 });
  });

  test("the log says who had a unit stopped", async () => {
    await launch(unit("quiet", "exec sleep 1012"));
    const { pid } = await running("quiet");
    await askSupervisor(socket, { do: "stop", unit: "quiet" });
    const lines = readFileSync(keeperFiles(directory).log, "utf8").trim().split("\n");
    const said = lines
      .map((line) => JSON.parse(line) as { [member: string]: unknown })
      .filter(({ unit: of }) => of === "quiet");
    assert.deepEqual(
      said.map(({ msg }) => msg),
      ["started", "asked", "stopped"],
    );
    assert.match(String(said[1]?.["by"]), new RegExp(`^${process.pid}: .*supervisor.contract.test`));
    assert.equal(said[2]?.["process"], pid);
  });

  test("descendants of a unit that only owns its own process stay", async () => {
    await launch(
      unit("agent", "", {
        kill: "process",
        argv: ["sh", "-c", `setsid sleep 1003 & echo $! > ${directory}/guest; wait`],
      }),
    );
    const first = await running("agent");
    const guest = await waitUntil(
      "the guest",
      () => Number(existsSync(`${directory}/guest`) && readFileSync(`${directory}/guest`, "utf8")) || undefined,
      { timeoutMs: 30_000 },
    );
    rmSync(`${directory}/guest`);
    await askSupervisor(socket, { do: "stop", unit: "agent" });
    assert.equal(readProcess(first.pid), null);
    assert.ok(readProcess(guest) !== null);
    process.kill(guest, "SIGKILL");
  });

  test("stop is remembered by the next supervisor; a process that ignores the signal is killed", async () => {
    await launch(unit("stubborn", "trap '' TERM; while :; do sleep 0.1; done", { stopTimeoutMs: 300 }));
    const found = await running("stubborn");
    await askSupervisor(socket, { do: "stop", unit: "stubborn" });
    assert.equal(readProcess(found.pid), null);
    const supervisor = await supervisorPid();
    process.kill(supervisor, "SIGKILL");
    await supervisorPid(supervisor);
    assert.equal((await status("stubborn"))?.state, "stopped");
  });

  test("a unit waits for those it comes after, and goes when its file goes", async () => {
    await launch(
      unit("second", "exec sleep 1004", { after: ["first"] }),
      unit("first", "exec sleep 1005", { readySocket: join(directory, "never") }),
    );
    const first = await running("first");
    assert.notEqual((await status("second"))?.state, "running");
    await launch(unit("first", "exec sleep 1005"));
    await running("second");
    assert.equal((await status("first"))?.outdated, true);
    removeUnit(directories, "first");
    await askSupervisor(socket, { do: "reload" });
    await waitUntil(
      "first to go",
      async () => (await status("first")) === undefined && readProcess(first.pid) === null,
      { timeoutMs: 30_000 },
    );
  });

  function readsKeep(pid: number): boolean {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes(keep);
  }
});
