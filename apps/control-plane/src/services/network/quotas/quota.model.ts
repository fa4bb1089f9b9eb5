/** Neutron's quotas. Pure. */
import { overQuota } from "@andromede/base/errors";

import type { NetworkQuotaName } from "../servers/server-ports.model.ts";

/** Neutron's own defaults (its configuration reference, section "quotas"). */
export const DEFAULT_QUOTAS: { readonly [name in NetworkQuotaName]: number } = {
  network: 100,
  subnet: 100,
  subnetpool: -1,
  port: 500,
  router: 10,
  floatingip: 50,
  security_group: 10,
  security_group_rule: 100,
  rbac_policy: 10,
  trunk: -1,
};

export const QUOTA_NAMES = Object.keys(DEFAULT_QUOTAS) as NetworkQuotaName[];

export type Limits = { [name in NetworkQuotaName]: number };
export type StoredQuota = Partial<Limits>;

export const limitsOf = (stored: StoredQuota): Limits => ({ ...DEFAULT_QUOTAS, ...stored });

/** Throws when any of what is wanted would go past its limit. */
export function checkQuota(
  limits: Limits,
  counted: readonly { name: NetworkQuotaName; used: number; wanted: number }[],
): void {
  const over = counted.filter(({ name, used, wanted }) => limits[name] >= 0 && used + wanted > limits[name]);
  if (over.length > 0)
    throw overQuota(`Quota exceeded for resources: [${over.map(({ name }) => `'${name}'`).join(", ")}].`);
}
