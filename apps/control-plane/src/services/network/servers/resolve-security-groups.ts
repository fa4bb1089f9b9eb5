import { conflict, notFound } from "@andromede/base/errors";

import type { Transaction } from "../../../db/transaction.ts";
import { ensureDefaultGroup } from "../security-groups/default-group.ts";
import { DEFAULT_GROUP_NAME } from "../security-groups/security-group.model.ts";
import { findSecurityGroupsNamed } from "../security-groups/security-group.queries.ts";

/** Names or ids to ids, as Nova reads them: an id first, then a name, which must be the only one. Unknown: 404, which callers may turn into 400. */
export async function resolveSecurityGroups(
  tx: Transaction,
  requester: { projectId: string; admin: boolean },
  names: string[],
): Promise<string[]> {
  if (names.includes(DEFAULT_GROUP_NAME)) await ensureDefaultGroup(tx, requester.projectId);
  const found = await findSecurityGroupsNamed(tx.sql, requester, names);
  const ids = names.map((name) => {
    const byId = found.find((group) => group.id === name);
    if (byId !== undefined) return byId.id;
    const [only, more] = found.filter((group) => group.name === name);
    if (only === undefined) throw notFound(`Security group ${name} not found for project ${requester.projectId}.`);
    if (more !== undefined) {
      throw conflict(`Multiple security_group matches found for name '${name}', use an ID to be more specific.`);
    }
    return only.id;
  });
  return [...new Set(ids)];
}
