/** Who runs an instance's units: systemd where it is process 1, else our supervisor. The CLI sees only this. */
import type { Unit } from "@andromede/engines/unit";

import type { UnitStatus } from "./supervisor.ts";

export type ServiceManager = {
  kind: "systemd" | "supervisor";
  /** The unit runs, from this definition: started, or restarted when it ran from another. Does not wait for readiness. */
  launch(unit: Unit): Promise<void>;
  /** Stops a unit and forgets it; fine when it is not there. */
  remove(name: string): Promise<void>;
  /** What runs; makes sure first that somebody looks after it. Empty when nothing was ever launched. */
  status(): Promise<UnitStatus[]>;
  /** Ends the supervision itself; units that still run go on without it. */
  close(): Promise<void>;
};
