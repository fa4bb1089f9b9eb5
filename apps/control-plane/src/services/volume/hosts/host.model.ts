/** Hosts whose agents keep volumes. Pure. */
import type { VolumePool } from "@andromede/agent-api/types";

export type VolumeHost = {
  name: string;
  serviceId: string;
  availabilityZone: string;
  disabled: boolean;
  disabledReason: string | null;
  frozen: boolean;
  createdAt: Date;
  updatedAt: Date | null;
  observedPools: VolumePool[];
  observedAt: Date | null;
  observedLostAt: Date | null;
};

export const isUp = (host: Pick<VolumeHost, "observedAt" | "observedLostAt">): boolean =>
  host.observedAt !== null && host.observedLostAt === null;

/**
 * Volumes grow as they are written, so more may be promised than there is room for: Cinder's own ratio
 * (`max_over_subscription_ratio`).
 */
export const OVERSUBSCRIPTION = 20;

/** The pool for a new volume: the one with the most room among those that are let in; null: none has room for it. */
export function choosePool(
  hosts: readonly VolumeHost[],
  wanted: { sizeGib: number; zone: string },
  promisedGib: { readonly [pool: string]: number },
  suits: (pool: VolumePool) => boolean,
): string | null {
  let best: VolumePool | null = null;
  for (const host of hosts) {
    if (!isUp(host) || host.disabled || host.frozen || host.availabilityZone !== wanted.zone) continue;
    for (const pool of host.observedPools) {
      const promised = (promisedGib[pool.name] ?? 0) + wanted.sizeGib;
      const fits = promised <= pool.totalGib * OVERSUBSCRIPTION && pool.freeGib > 0 && suits(pool);
      if (fits && (best === null || pool.freeGib > best.freeGib)) best = pool;
    }
  }
  return best?.name ?? null;
}

/** A host that can reach a pool, the one preferred if it can. */
export const hostOfPool = (hosts: readonly VolumeHost[], pool: string): string | null =>
  hosts.find((host) => isUp(host) && host.observedPools.some(({ name }) => name === pool))?.name ?? null;
