import { selfLink } from "../shared/identity-links.ts";
import type { User } from "./user.model.ts";

export const toUserView = (user: User, baseUrl: string) => ({
  ...user.extra,
  id: user.id,
  name: user.name,
  domain_id: user.domainId,
  enabled: user.enabled,
  // Keystone leaves the member out when there is none
  ...(user.defaultProjectId === null ? {} : { default_project_id: user.defaultProjectId }),
  // passwords do not expire by age: they are changed when there is a reason
  password_expires_at: null,
  options: {},
  ...selfLink(baseUrl, `users/${user.id}`),
});
