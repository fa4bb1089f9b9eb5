/**
 * Units under systemd. They are written to /run/systemd/system, which a reboot empties: the namespaces they need are gone
 * then too, and `andromede up` makes both again.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { runCommand, tryCommand } from "@andromede/engines/run-command";

import { mainProcess } from "./processes.ts";
import type { ServiceManager } from "./service-manager.ts";
import type { UnitState, UnitStatus } from "./supervisor.ts";
import { serviceName, sliceName, systemdSlice, systemdUnit } from "./systemd-unit.ts";
import { type UnitFile, prepareUnitStore, readUnits, removeUnit, unitDirectories, writeUnit } from "./unit-store.ts";

const DIRECTORY = "/run/systemd/system";
const SHOWN = ["ActiveState", "SubState", "MainPID", "ActiveEnterTimestampMonotonic", "NRestarts", "Result"];

export function createSystemdManager(
  instance: string,
  instanceDirectory: string,
  directory = DIRECTORY,
): ServiceManager {
  const store = unitDirectories(instanceDirectory);
  const service = (name: string): string => serviceName(instance, name);
  return {
    kind: "systemd",
    async launch(unit) {
      prepareUnitStore(store);
      mkdirSync(join(instanceDirectory, "log"), { recursive: true });
      writeUnit(store, { unit, wanted: "running" });
      const changed = [
        writeIfChanged(join(directory, sliceName(instance)), systemdSlice(instance)),
        writeIfChanged(join(directory, service(unit.name)), systemdUnit(instance, unit)),
      ].includes(true);
      if (changed) await runCommand(["systemctl", "daemon-reload"]);
      await runCommand(["systemctl", changed ? "restart" : "start", service(unit.name)]);
    },
    async remove(name) {
      if (existsSync(join(directory, service(name)))) await runCommand(["systemctl", "stop", service(name)]);
      rmSync(join(directory, service(name)), { force: true });
      if (existsSync(store.units)) removeUnit(store, name);
      await runCommand(["systemctl", "daemon-reload"]);
    },
    async status() {
      if (!existsSync(store.units)) return [];
      return Promise.all(readUnits(store).map((file) => statusOf(file, service(file.unit.name))));
    },
    async close() {
      // Units that still run need their slice.
      if (readdirSync(directory).some((name) => name.startsWith(`${instance}-`) && name.endsWith(".service"))) return;
      rmSync(join(directory, sliceName(instance)), { force: true });
      await runCommand(["systemctl", "daemon-reload"]);
    },
  };
}

function writeIfChanged(file: string, text: string): boolean {
  if (existsSync(file) && readFileSync(file, "utf8") === text) return false;
  writeFileSync(file, text, { mode: 0o644 });
  return true;
}

async function statusOf(file: UnitFile, service: string): Promise<UnitStatus> {
  const shown = await tryCommand(["systemctl", "show", service, `--property=${SHOWN.join(",")}`]);
  const properties = parseProperties(shown.stdout);
  const pid = Number(properties["MainPID"] ?? 0);
  return {
    name: file.unit.name,
    description: file.unit.description,
    wanted: file.wanted,
    state: stateOf(properties["ActiveState"] ?? "", properties["SubState"] ?? ""),
    pid: pid === 0 ? null : (mainProcess(pid)?.pid ?? pid),
    leader: pid === 0 ? null : pid,
    since: pid === 0 ? null : sinceOf(Number(properties["ActiveEnterTimestampMonotonic"] ?? 0)),
    restarts: Number(properties["NRestarts"] ?? 0),
    lastExit: properties["Result"] === "success" ? null : (properties["Result"] ?? null),
    outdated: false,
    log: file.unit.log,
  };
}

/** `name=value` lines. Pure. */
export function parseProperties(text: string): { [name: string]: string } {
  return Object.fromEntries(
    text
      .split("\n")
      .filter((line) => line.includes("="))
      .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
}

/** systemd's words for a state, in ours. Pure. */
export function stateOf(active: string, sub: string): UnitState {
  if (active === "active") return "running";
  if (sub === "auto-restart") return "restarting";
  if (active === "activating") return "starting";
  return active === "deactivating" ? "stopping" : "stopped";
}

function sinceOf(monotonicMicroseconds: number): number {
  const bootedAt = Date.now() - Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1000;
  return Math.round(bootedAt + monotonicMicroseconds / 1000);
}
