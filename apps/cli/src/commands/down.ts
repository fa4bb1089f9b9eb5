import { confirmByName } from "../confirm.ts";
import { DATA_LOCK_MS, instanceLock, withMachineLock } from "../instance/machine-lock.ts";
import type { DownCommand } from "../options.ts";
import { reportJson, say } from "../output.ts";
import { shutGuestsDown } from "../stack/guests.ts";
import type { Stack } from "../stack/stack.ts";
import { killStrays, purge } from "../stack/purge.ts";
import { type Plan, type Step, type Timing, runPlan } from "../steps.ts";
import { chooseManager } from "../supervision/choose-manager.ts";
import type { ServiceManager } from "../supervision/service-manager.ts";
import { openStack } from "./opened-instance.ts";

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

function confirm({ config, paths }: Stack): Promise<void> {
  return confirmByName(
    config.instance,
    `Delete instance ${config.instance} in ${paths.directory}: all its servers, images, networks and accounts?`,
    "down --purge deletes all servers, images and data of the instance; say --yes where nobody can be asked",
  );
}

/** What guests need to go on: their packets' way. */
const GUESTS_NEED = /^(ovn-|ovs|ovsdb-)/;
/** What would meddle with guests that are told to shut down, or serve customers meanwhile. */
const PROGRAMS = /^(control-plane$|object-store$|host-agent@)/;

function planOf(command: DownCommand, stack: Stack, manager: ServiceManager): Plan {
  const stopUnits = async (which: (name: string) => boolean): Promise<string> => {
    const units = await manager.status();
    // Programs before engines: nothing then complains of an engine that is gone.
    const going = units
      .map(({ name }) => name)
      .toReversed()
      .filter(which);
    for (const name of going) {
      // One after the other, in that order.
      // eslint-disable-next-line no-await-in-loop
      await manager.remove(name);
    }
    return `${going.length} stopped`;
  };
  const programs: Step = { title: "Programs", run: () => stopUnits((name) => PROGRAMS.test(name)) };
  if (command.keepGuests)
    return [programs, { title: "Engines", run: () => stopUnits((name) => !GUESTS_NEED.test(name)) }];
  return [
    programs,
    // nobody starts again what is purged: it need not write out what it holds
    ...(command.purge ? [] : [{ title: "Guests", run: (tell: (text: string) => void) => shutGuestsDown(stack, tell) }]),
    { title: "Engines", run: () => stopUnits(() => true) },
    { title: "Supervision", run: () => manager.close() },
    { title: "What is left", run: async () => strays(await killStrays(stack)) },
    ...(command.purge ? [{ title: "Purge", run: async () => purge(stack, command) }] : []),
  ];
}

const strays = (count: number): string | undefined => (count === 0 ? undefined : `${count} processes ended`);
