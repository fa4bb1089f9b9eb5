import type { JsonObject } from "@andromede/base/json";

export type User = {
  id: string;
  domainId: string;
  name: string;
  defaultProjectId: string | null;
  enabled: boolean;
  options: UserOptions;
  passwordChangedAt: Date | null;
  extra: JsonObject;
};

/** By the names they have on the wire. */
export type UserOptions = {
  ignore_change_password_upon_first_use?: boolean;
  ignore_password_expiry?: boolean;
  ignore_lockout_failure_attempts?: boolean;
  ignore_user_inactivity?: boolean;
  lock_password?: boolean;
  multi_factor_auth_enabled?: boolean;
  multi_factor_auth_rules?: string[][];
};

/** null takes an option away. */
export type UserOptionsChange = { [name in keyof UserOptions]?: UserOptions[name] | null };

export type UserChange = {
  name?: string;
  domain_id?: string | null;
  default_project_id?: string | null;
  enabled?: boolean;
  password?: string | null;
  options?: UserOptionsChange;
};

/** What locks an account: too many failures in a row, the last of them recent. */
export type LockState = { failedAttempts: number; lastFailedAt: Date | null; options: UserOptions };
export type LockRules = { failures: number; lockMs: number };

/** Locked now? The lock ends a fixed time after the failure that set it: attempts while locked do not prolong it. */
export const isLocked = (state: LockState, rules: LockRules, nowMs: number): boolean =>
  state.options.ignore_lockout_failure_attempts !== true &&
  state.failedAttempts >= rules.failures &&
  state.lastFailedAt !== null &&
  state.lastFailedAt.getTime() + rules.lockMs > nowMs;
