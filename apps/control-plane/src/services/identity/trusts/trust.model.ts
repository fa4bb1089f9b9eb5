import type { JsonObject } from "@andromede/base/json";

/** A trustor lends roles on a project to a trustee. */
export type Trust = {
  id: string;
  trustorUserId: string;
  trusteeUserId: string;
  projectId: string | null;
  impersonation: boolean;
  expiresAt: Date | null;
  /** null: as often as one likes. */
  remainingUses: number | null;
  /** How often it may be lent on. */
  redelegationCount: number;
  redelegatedTrustId: string | null;
  extra: JsonObject;
  roleIds: string[];
};

/** Keystone's `[trust] max_redelegation_count`. */
export const MAX_REDELEGATIONS = 3;

/** Over, or used up: it is not there for anybody. */
export const isSpent = (trust: Pick<Trust, "expiresAt" | "remainingUses">, nowMs: number): boolean =>
  (trust.expiresAt !== null && trust.expiresAt.getTime() <= nowMs) ||
  (trust.remainingUses !== null && trust.remainingUses <= 0);

/** One link of a chain, with what decides whether it still holds. */
export type ChainLink = Trust & {
  trustorDomainId: string;
  /** Both accounts and their domains are. */
  agentsEnabled: boolean;
};

/** Why nothing can be had through the chain (its first is the trust in question), in public words; null: it holds. */
export function chainBar(chain: readonly ChainLink[], nowMs: number): string | null {
  const last = chain.at(-1);
  if (last === undefined || last.redelegatedTrustId !== null || chain.slice(1).some((link) => isSpent(link, nowMs)))
    return "A trust that this one comes from is over.";
  if (chain.some((link) => !link.agentsEnabled)) return "One of the trust agents is disabled or deleted";
  for (const [index, child] of chain.entries()) {
    const parent = chain[index + 1];
    const bar = parent === undefined ? null : redelegationBar(parent, child);
    if (bar !== null) return bar;
  }
  return null;
}

type Lent = Pick<Trust, "remainingUses" | "expiresAt" | "roleIds" | "impersonation">;

/** Why a trust may not be lent on like that (keystone/trust/core.py says the same), in public words; null: it may. */
export function redelegationBar(parent: Trust, child: Lent): string | null {
  if (parent.redelegationCount <= 0 || parent.redelegationCount > MAX_REDELEGATIONS) {
    return `Remaining redelegation depth of ${parent.redelegationCount} out of allowed range of [0..${MAX_REDELEGATIONS}]`;
  }
  if (child.remainingUses !== null) {
    return `Field "remaining_uses" is set to ${child.remainingUses} while it must not be set in order to redelegate a trust`;
  }
  if (parent.expiresAt !== null && (child.expiresAt === null || child.expiresAt > parent.expiresAt))
    return "Requested expiration time is more than redelegated trust can provide";
  if (child.roleIds.some((id) => !parent.roleIds.includes(id)))
    return "Some of requested roles are not in redelegated trust";
  if (child.impersonation && !parent.impersonation)
    return "Impersonation is not allowed because redelegated trust does not specify impersonation.";
  return null;
}
