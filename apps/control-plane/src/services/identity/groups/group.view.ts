import { selfLink } from "../shared/identity-links.ts";
import type { Group } from "./group.model.ts";

export const toGroupView = (group: Group, baseUrl: string) => ({
  ...group.extra,
  id: group.id,
  name: group.name,
  description: group.description,
  domain_id: group.domainId,
  ...selfLink(baseUrl, `groups/${group.id}`),
});
