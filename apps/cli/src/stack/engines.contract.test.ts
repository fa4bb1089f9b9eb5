/** The engines of an instance on this machine: up, killed, down, gone. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { waitUntil } from "@andromede/base/waiting";
import { runInJail } from "@andromede/engines/engine-root";
import { detectDatapath } from "@andromede/engines/openvswitch";
import { northboundSocket, waitForOvn } from "@andromede/engines/ovn";
import { runSql } from "@andromede/engines/postgresql";
import { runCommand, tryCommand } from "@andromede/engines/run-command";
import { engineRoot } from "@andromede/testkit/engines";

import { ensureInstanceConfig } from "../instance/instance-config.ts";
import { MACHINE_LOCK, withMachineLock } from "../instance/machine-lock.ts";
import { instancePaths } from "../instance/paths.ts";
import { chooseManager } from "../supervision/choose-manager.ts";
import { listProcesses, readProcess, startEnvironment } from "../supervision/processes.ts";
import type { ServiceManager } from "../supervision/service-manager.ts";
import type { UnitStatus } from "../supervision/supervisor.ts";
import { startHostNetwork, startOpenvswitch, startOvnCentral, startOvnController, startPostgresql } from "./engines.ts";
import { isInstanceUser, killStrays, purge } from "./purge.ts";
import { type Stack, buildStack } from "./stack.ts";

describe("the engines of an instance", () => {
  const data = mkdtempSync("/var/tmp/andromede-engines-");
  const paths = instancePaths(data, `test${process.pid}`);
  let stack: Stack;
  let manager: ServiceManager;

  async function up(): Promise<void> {
    await startPostgresql(stack, manager);
    await startOvnCentral(stack, manager);
    await startHostNetwork(stack);
    await startOpenvswitch(stack, manager);
    await startOvnController(stack, manager);
  }
  const statusOf = async (name: string): Promise<UnitStatus> => {
    const found = (await manager.status()).find((unit) => unit.name === name);
    assert.ok(found, name);
    return found;
  };
  const nbctl = (...args: string[]): Promise<string> =>
    runInJail(
      {
        root: stack.engineRoot,
        binds: [{ from: stack.ovn.runDirectory, mode: "write" }],
        unshare: [],
        user: stack.ovn.user,
      },
      ["ovn-nbctl", `--db=unix:${northboundSocket(stack.ovn)}`, "--timeout=20", ...args],
    );

  before(async () => {
    const config = await withMachineLock(
      MACHINE_LOCK,
      60_000,
      () => undefined,
      async () => {
        const chosen = await ensureInstanceConfig(paths, {});
        stack = buildStack(paths, chosen, { engineRoot: engineRoot(), datapath: await detectDatapath() });
        // under the lock, so that another test's instance does not choose the same slot
        await startHostNetwork(stack);
        return chosen;
      },
    );
    assert.equal(config.instance, paths.instance);
    manager = chooseManager(paths.instance, paths.directory);
    await up();
  });
  after(() => rmSync(data, { recursive: true, force: true }));

  test("another up changes nothing", async () => {
    const leaders = async (): Promise<(number | null)[]> => (await manager.status()).map(({ leader }) => leader);
    const before = await leaders();
    assert.equal(before.length, 7);
    await up();
    assert.deepEqual(await leaders(), before);
  });

  test("each engine runs under its own user", async () => {
    const owner = async (name: string): Promise<number> => {
      const { pid } = await statusOf(name);
      return Number((await runCommand(["stat", "--format=%u", `/proc/${pid}`])).trim());
    };
    assert.equal(await owner("postgresql"), stack.users.postgres.uid);
    assert.equal(await owner("ovn-northbound"), stack.users.ovn.uid);
    assert.equal(await owner("ovn-northd"), stack.users.ovn.uid);
    assert.equal(await owner("ovs-vswitchd@host1"), 0);
  });

  test("an address of the external network answers the machine", async () => {
    const slot = stack.config.slot;
    const address = `172.24.${slot}.99`;
    const rows = [
      "ls-add ext -- lsp-add ext ln -- lsp-set-type ln localnet -- lsp-set-addresses ln unknown",
      "-- lsp-set-options ln network_name=physnet1",
      `-- lr-add r -- lrp-add r rp 02:00:00:00:00:99 ${address}/24 -- lrp-set-gateway-chassis rp ${stack.chassis}`,
      "-- lsp-add ext er -- lsp-set-type er router -- lsp-set-addresses er router -- lsp-set-options er router-port=rp",
    ];
    await nbctl(...rows.join(" ").split(" "));
    await waitForOvn(stack.ovn, { hosts: true, timeoutMs: 20_000 });
    const socket = createSocket("udp4");
    try {
      await waitUntil(
        "an answer to ARP",
        async () => {
          socket.send("anybody there?", 9, address);
          return /02:00:00:00:00:99/.test(await runCommand(["ip", "neigh", "show", address]));
        },
        { timeoutMs: 20_000, everyMs: 200 },
      );
    } finally {
      socket.close();
    }
  });

  test("a killed PostgreSQL comes back with all that was committed", async () => {
    assert.equal(stack.database.kind, "own");
    const place = stack.database.kind === "own" ? stack.database.place : assert.fail();
    await runSql(place, "create table kept (n int); insert into kept values (42);", "andromede");
    const before = await statusOf("postgresql");
    process.kill(before.pid ?? assert.fail(), "SIGKILL");
    await waitUntil("the row", async () => (await runSql(place, "select n from kept", "andromede")).trim() === "42", {
      timeoutMs: 30_000,
      everyMs: 100,
    });
    assert.notEqual((await statusOf("postgresql")).pid, before.pid);
  });

  test("an engine whose jail is killed around it is not left over, and comes back", async () => {
    const before = await statusOf("ovn-northbound");
    process.kill(before.leader ?? assert.fail(), "SIGKILL");
    await waitUntil("its end", () => readProcess(before.pid ?? 0) === null, { timeoutMs: 30_000 });
    await waitForOvn(stack.ovn, { hosts: true, timeoutMs: 30_000 });
    assert.notEqual((await statusOf("ovn-northbound")).pid, before.pid);
  });

  test("a purge leaves nothing", async () => {
    for (const { name } of (await manager.status()).toReversed()) await manager.remove(name);
    await manager.close();
    await killStrays(stack);
    await purge(stack, { keepEngines: true });
    assert.equal(existsSync(paths.directory), false);
    assert.equal(existsSync(join("/run/netns", stack.link.namespace)), false);
    assert.doesNotMatch(await runCommand(["ip", "-o", "link"]), new RegExp(`\\b${stack.link.machineLink}@`));
    assert.doesNotMatch(
      (await tryCommand(["nft", "list", "tables"])).stdout,
      new RegExp(`andromede_${stack.config.slot}\\b`),
    );
    const left = listProcesses().filter(({ pid }) =>
      startEnvironment(pid).some((entry) => entry.includes(paths.directory)),
    );
    assert.deepEqual(left, []);
    assert.equal(isInstanceUser(stack.users.controlPlane.uid, stack.users), true);
    assert.equal(isInstanceUser(65_534, stack.users), false);
  });
});
