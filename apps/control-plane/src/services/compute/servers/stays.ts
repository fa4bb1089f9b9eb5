/** How long a server stays what it only is for a while, by the operator's configuration. Pure. */
import type { Config } from "../../../config.ts";
import type { Stays } from "./server.plan.ts";

const SECOND_MS = 1000;

/** 0: a shelved server leaves its host at once. Undefined: it stays there. */
export const shelvedStaysMs = ({ compute = {} }: Pick<Config, "compute">): number | undefined => {
  const seconds = compute.shelvedOffloadSeconds ?? 0;
  return seconds < 0 ? undefined : seconds * SECOND_MS;
};

/** Undefined: a deleted server is gone at once. */
export const softDeletedStaysMs = ({ compute = {} }: Pick<Config, "compute">): number | undefined =>
  compute.reclaimSeconds === undefined || compute.reclaimSeconds <= 0 ? undefined : compute.reclaimSeconds * SECOND_MS;

export function staysOf(config: Pick<Config, "compute">): Stays {
  const { resizeConfirmSeconds = 0 } = config.compute ?? {};
  const shelvedMs = shelvedStaysMs(config);
  const softDeletedMs = softDeletedStaysMs(config);
  return {
    ...(resizeConfirmSeconds <= 0 ? {} : { resizedMs: resizeConfirmSeconds * SECOND_MS }),
    ...(shelvedMs === undefined ? {} : { shelvedMs }),
    ...(softDeletedMs === undefined ? {} : { softDeletedMs }),
  };
}
