import { existsSync } from "node:fs";

import type { ServiceManager } from "./service-manager.ts";
import { createSupervisorManager } from "./supervisor-manager.ts";
import { createSystemdManager } from "./systemd-manager.ts";

/** sd_booted(3): this directory is there exactly when systemd is the machine's manager. */
export const isSystemdRunning = (): boolean => existsSync("/run/systemd/system");

/** The manager of an instance's units. */
export function chooseManager(instance: string, instanceDirectory: string): ServiceManager {
  return isSystemdRunning()
    ? createSystemdManager(instance, instanceDirectory)
    : createSupervisorManager(instanceDirectory);
}
