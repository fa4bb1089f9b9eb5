/** Keystone's user options: how an account may sign in (Identity API, "Resource Options", User Options). Pure. */
import type { UserOptions, UserOptionsChange } from "./user.model.ts";

const flag = { type: ["boolean", "null"] } as const;

/** null takes an option away. */
export const userOptionsSchema = {
  type: "object",
  additionalProperties: false,
  properties: {
    ignore_change_password_upon_first_use: flag,
    ignore_password_expiry: flag,
    ignore_lockout_failure_attempts: flag,
    ignore_user_inactivity: flag,
    lock_password: flag,
    multi_factor_auth_enabled: flag,
    multi_factor_auth_rules: {
      type: ["array", "null"],
      maxItems: 16,
      uniqueItems: true,
      items: {
        type: "array",
        minItems: 1,
        maxItems: 8,
        uniqueItems: true,
        items: { type: "string", minLength: 1, maxLength: 64 },
      },
    },
  },
} as const;

export function mergeOptions(before: UserOptions, change: UserOptionsChange | undefined): UserOptions {
  const merged = Object.entries({ ...before, ...change }).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(merged) as UserOptions;
}

/** When the password ends; null: never. */
export function passwordEnd(
  account: { options: UserOptions; passwordChangedAt: Date | null },
  expiryDays: number | undefined,
): number | null {
  if (expiryDays === undefined || account.passwordChangedAt === null) return null;
  if (account.options.ignore_password_expiry === true) return null;
  return account.passwordChangedAt.getTime() + expiryDays * 86_400_000;
}

/**
 * The combinations of methods of which one is needed; null when what was shown is enough. As Keystone: methods that
 * there are none of are left out of a rule, so that a typing error locks nobody out.
 */
export function missingMethods(
  options: UserOptions,
  shown: readonly string[],
  known: readonly string[],
): string[][] | null {
  const rules = (options.multi_factor_auth_rules ?? [])
    .map((rule) => rule.filter((method) => known.includes(method)))
    .filter((rule) => rule.length > 0);
  if (rules.length === 0 || options.multi_factor_auth_enabled === false) return null;
  return rules.some((rule) => rule.every((method) => shown.includes(method))) ? null : rules;
}
