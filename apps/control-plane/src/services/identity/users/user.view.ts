import { selfLink } from "../shared/identity-links.ts";
import { passwordTime } from "../tokens/token.view.ts";
import { passwordEnd } from "./user-options.ts";
import type { User } from "./user.model.ts";

const timeOf = (ms: number | null): string | null => (ms === null ? null : passwordTime(ms));

/** `expiryDays`: how long a password lasts here; absent: for ever. */
export const toUserView = (user: User, baseUrl: string, expiryDays: number | undefined) => ({
  ...user.extra,
  id: user.id,
  name: user.name,
  domain_id: user.domainId,
  enabled: user.enabled,
  // Keystone leaves the member out when there is none
  ...(user.defaultProjectId === null ? {} : { default_project_id: user.defaultProjectId }),
  password_expires_at: timeOf(passwordEnd(user, expiryDays)),
  options: user.options,
  ...selfLink(baseUrl, `users/${user.id}`),
});
