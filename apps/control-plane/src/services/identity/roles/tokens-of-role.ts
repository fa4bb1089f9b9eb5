import type { Queryable } from "@andromede/platform/db/database";
import { revocationOf } from "@andromede/platform/tokens/token.model";

import { revocationOnScope } from "../assignments/assignment.model.ts";
import { listHoldersOfRole } from "../assignments/assignment.queries.ts";
import type { Role } from "./role.model.ts";

/**
 * What ends every token that says the role, or something it stands for. Everybody's roles are in the token beside what
 * they imply; a domain's own role is in none, so there its holders are named one by one.
 */
export async function tokensOfRole(sql: Queryable, role: Role): Promise<string[]> {
  if (role.domainId === null) return [revocationOf.role(role.id)];
  const holders = await listHoldersOfRole(sql, role.id);
  return holders.map(({ userId, target, domainId }) => revocationOnScope(userId, target, domainId));
}
