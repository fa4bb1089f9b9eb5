import type { JsonObject } from "@andromede/base/json";

export type User = {
  id: string;
  domainId: string;
  name: string;
  defaultProjectId: string | null;
  enabled: boolean;
  extra: JsonObject;
};

export type UserChange = {
  name?: string;
  domain_id?: string | null;
  default_project_id?: string | null;
  enabled?: boolean;
  password?: string | null;
};

/** What locks an account: too many failures in a row, the last of them recent. */
export type LockState = { failedAttempts: number; lastFailedAt: Date | null };
export type LockRules = { failures: number; lockMs: number };

/** Locked now? The lock ends a fixed time after the failure that set it: attempts while locked do not prolong it. */
export const isLocked = (state: LockState, rules: LockRules, nowMs: number): boolean =>
  state.failedAttempts >= rules.failures &&
  state.lastFailedAt !== null &&
  state.lastFailedAt.getTime() + rules.lockMs > nowMs;
