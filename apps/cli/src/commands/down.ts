import { existsSync } from "node:fs";
import { createInterface } from "node:readline/promises";

import { invalid } from "@andromede/base/errors";
import { waitUntil } from "@andromede/base/waiting";
import { type Cloud, createCloud } from "@andromede/openstack-client/client";
import { listServers, serverAction } from "@andromede/openstack-client/compute";

import { operatorCredentials } from "../cloud/accounts.ts";
import { DATA_LOCK_MS, instanceLock, withMachineLock } from "../instance/machine-lock.ts";
import { readPasswords } from "../instance/secrets.ts";
import type { DownCommand } from "../options.ts";
import { reportJson, say } from "../output.ts";
import type { Stack } from "../stack/stack.ts";
import { killStrays, purge } from "../stack/purge.ts";
import { type Plan, type Timing, runPlan } from "../steps.ts";
import { chooseManager } from "../supervision/choose-manager.ts";
import type { ServiceManager } from "../supervision/service-manager.ts";
import { openStack } from "./opened-instance.ts";

const STOP_MS = 90_000;

/** `andromede down`. A second one finds nothing to do; one after a purge says that there is no such instance. */
export async function down(command: DownCommand): Promise<number> {
  const stack = await openStack(command);
  if (command.purge && !command.yes) await confirm(stack);
  const timings: Timing[] = [];
  await withMachineLock(
    instanceLock(stack.paths),
    DATA_LOCK_MS,
    () => say("waiting for another command on this instance"),
    async () => {
      const manager = chooseManager(stack.paths.instance, stack.paths.directory);
      await runPlan(planOf(command, stack, manager), timings);
    },
  );
  if (command.json)
    reportJson({
      instance: stack.config.instance,
      purged: command.purge,
      steps: timings.map(({ step, ms }) => ({ step, ms: Math.round(ms) })),
    });
  return 0;
}

async function confirm(stack: Stack): Promise<void> {
  if (process.stdin.isTTY !== true)
    throw invalid(
      "down --purge deletes all servers, images and data of the instance; say --yes where nobody can be asked",
    );
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await prompt.question(
    `Delete instance ${stack.config.instance} in ${stack.paths.directory}: all its servers, images, networks and accounts? Type its name: `,
  );
  prompt.close();
  if (answer.trim() !== stack.config.instance) throw invalid("not purged");
}

/** What guests need to go on: their packets' way. */
const GUESTS_NEED = /^(ovn-|ovs|ovsdb-)/;

function planOf(command: DownCommand, stack: Stack, manager: ServiceManager): Plan {
  const stopUnits = async (): Promise<string | undefined> => {
    const units = await manager.status();
    // Programs before engines: nothing then complains of an engine that is gone.
    const order = units.map(({ name }) => name).toReversed();
    const going = command.keepGuests ? order.filter((name) => !GUESTS_NEED.test(name)) : order;
    for (const name of going) {
      // One after the other, in that order.
      // eslint-disable-next-line no-await-in-loop
      await manager.remove(name);
    }
    return `${going.length} stopped`;
  };
  return [
    ...(command.keepGuests
      ? []
      : [{ title: "Guests", run: (tell: (text: string) => void) => stopGuests(stack, manager, tell) }]),
    { title: "Programs and engines", run: stopUnits },
    ...(command.keepGuests
      ? []
      : [
          { title: "Supervision", run: () => manager.close() },
          { title: "What is left", run: async () => strays(await killStrays(stack)) },
        ]),
    ...(command.purge ? [{ title: "Purge", run: async () => purge(stack, command) }] : []),
  ];
}

const strays = (count: number): string | undefined => (count === 0 ? undefined : `${count} processes ended`);

/** Over the operators' API: guests get ACPI's power button and time to write out what they hold. */
async function stopGuests(stack: Stack, manager: ServiceManager, tell: (text: string) => void): Promise<string> {
  const serving =
    existsSync(stack.paths.secrets) &&
    (await manager.status()).some(({ name, state }) => name === "control-plane" && state === "running");
  if (!serving) return "the control plane does not run";
  const operator = createCloud(operatorCredentials(stack, await readPasswords(stack.paths)));
  try {
    const running = (await listServers(operator, { allProjects: true })).filter(({ status }) => status === "ACTIVE");
    await Promise.all(running.map(({ id }) => serverAction(operator, id, { "os-stop": null })));
    if (running.length > 0) await waitForStop(operator, running.length, tell);
    return running.length === 0 ? "none running" : `${running.length} stopped`;
  } catch (error) {
    // An instance that is broken must still go down.
    say(`guests could not be stopped cleanly: ${error instanceof Error ? error.message : String(error)}`);
    return "not all stopped cleanly";
  } finally {
    operator.close();
  }
}

async function waitForStop(operator: Cloud, total: number, tell: (text: string) => void): Promise<void> {
  let told = "";
  await waitUntil(
    "guests' end",
    async () => {
      const left = (await listServers(operator, { allProjects: true })).filter(
        ({ status }) => status === "ACTIVE",
      ).length;
      const now = `${total - left} of ${total} stopped`;
      if (now !== told) tell(now);
      told = now;
      return left === 0;
    },
    { timeoutMs: STOP_MS, everyMs: 250 },
  );
}
