import type { Config } from "../../../config.ts";

/** A working day: revocation takes effect at once, so a short life is not what keeps a token safe. */
const DEFAULT_HOURS = 8;

export const tokenLifetimeMs = (config: Pick<Config, "identity">): number =>
  (config.identity?.tokenHours ?? DEFAULT_HOURS) * 3_600_000;
