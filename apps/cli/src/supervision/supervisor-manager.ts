/** Units under our own supervisor. */
import { existsSync } from "node:fs";

import { askSupervisor } from "./control.ts";
import { ensureSupervisor, keeperFiles, stopSupervisor } from "./keeper.ts";
import type { ServiceManager } from "./service-manager.ts";
import { prepareUnitStore, readUnits, removeUnit, unitDirectories, writeUnit } from "./unit-store.ts";

export function createSupervisorManager(instanceDirectory: string): ServiceManager {
  const directories = unitDirectories(instanceDirectory);
  const { socket } = keeperFiles(instanceDirectory);
  let starting: Promise<number> | undefined;
  /** Units are launched side by side: the first of them starts the supervisor. */
  const ensure = (): Promise<number> =>
    (starting ??= ensureSupervisor(instanceDirectory).finally(() => (starting = undefined)));
  return {
    kind: "supervisor",
    async launch(unit) {
      prepareUnitStore(directories);
      await ensure();
      writeUnit(directories, { unit, wanted: "running" });
      const { units } = await askSupervisor(socket, { do: "reload" });
      const status = units.find(({ name }) => name === unit.name);
      if (status?.outdated === true) await askSupervisor(socket, { do: "restart", unit: unit.name });
      else if ((status?.pid ?? null) === null) await askSupervisor(socket, { do: "start", unit: unit.name });
    },
    async remove(name) {
      if (!existsSync(directories.units) || !readUnits(directories).some(({ unit }) => unit.name === name)) return;
      await ensure();
      await askSupervisor(socket, { do: "stop", unit: name });
      removeUnit(directories, name);
      await askSupervisor(socket, { do: "reload" });
    },
    async status() {
      if (!existsSync(directories.units) || readUnits(directories).length === 0) return [];
      await ensure();
      return (await askSupervisor(socket, { do: "status" })).units;
    },
    close: () => stopSupervisor(instanceDirectory),
  };
}
