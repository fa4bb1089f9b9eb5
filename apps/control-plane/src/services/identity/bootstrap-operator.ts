import { notFound } from "@andromede/base/errors";
import { newHexId } from "@andromede/base/ids";

import type { App } from "../../app.ts";
import { transact } from "../../db/transaction.ts";
import { systemOrigin } from "../../events/append.ts";
import { insertAssignment } from "./assignments/assignment.queries.ts";
import { OPERATORS_DOMAIN } from "./domains/domain.model.ts";
import { hashPassword, verifyPassword } from "./passwords/password-hash.ts";
import { listProjects } from "./projects/project.queries.ts";
import { writeRevocations } from "./revocations/revoke.ts";
import { listRoles } from "./roles/role.queries.ts";
import { revocationOf } from "./tokens/token.model.ts";
import { findAccount, insertUser, lockUser, setPassword, updateUserRow } from "./users/user.queries.ts";

export type OperatorAccount = {
  user: { id: string; name: string; domain: string };
  project: { id: string; name: string };
  /** Was the account there before? */
  created: boolean;
  password: "set" | "kept";
};

const everything = { name: { exact: "" }, enabled: undefined, limit: 1, marker: undefined };

/**
 * The first operator: an account in the operators' domain with role admin on its project and on the system. Run again
 * it changes nothing, or repairs what was lost: a forgotten password, a disabled account, a role that was taken.
 */
export async function bootstrapOperator(
  app: Pick<App, "db" | "clock" | "reconcile" | "config">,
  given: { name: string; password: string },
): Promise<OperatorAccount> {
  const found = await findAccount(app.db, { name: given.name, domain: { id: OPERATORS_DOMAIN } });
  const keeps = found !== null && (await verifyPassword(given.password, found.passwordHash));
  const hash = keeps ? null : await hashPassword(given.password);
  return transact(app, systemOrigin("bootstrap"), async (tx) => {
    const { sql } = tx;
    const [[role], [project]] = await Promise.all([
      listRoles(sql, { ...everything, name: { exact: "admin" } }, null),
      listProjects(sql, {
        ...everything,
        name: { exact: OPERATORS_DOMAIN },
        domainId: OPERATORS_DOMAIN,
        parentId: undefined,
        tags: undefined,
        tagsAny: undefined,
        notTags: undefined,
        notTagsAny: undefined,
      }),
    ]);
    if (role === undefined || project === undefined) throw notFound("The operators' project or role admin is missing from the database");
    const id = found?.id ?? newHexId();
    const user = { id, domainId: OPERATORS_DOMAIN, name: given.name, defaultProjectId: project.id, enabled: true, extra: {} };
    const before = found === null ? null : await lockUser(sql, id, null);
    if (before === null) await insertUser(sql, user, hash);
    else {
      if (!before.enabled || before.defaultProjectId === null) {
        await updateUserRow(sql, { ...user, extra: before.extra, defaultProjectId: before.defaultProjectId ?? project.id });
      }
      if (hash !== null) await setPassword(sql, id, hash, 0);
    }
    const holder = { kind: "user", id } as const;
    const granted = await Promise.all([
      insertAssignment(sql, holder, { kind: "project", id: project.id }, role.id),
      insertAssignment(sql, holder, { kind: "system" }, role.id),
    ]);
    const changed = before === null || hash !== null || !before.enabled || granted.includes(true);
    if (changed) {
      tx.event({
        action: before === null ? "identity.user.create" : "identity.user.update",
        target: { type: "user", id },
        detail: { name: given.name, domain: OPERATORS_DOMAIN, password: hash === null ? "kept" : "set", role: role.name },
      });
    }
    if (before !== null && hash !== null) await writeRevocations(app, tx, [revocationOf.user(id)]);
    return {
      user: { id, name: given.name, domain: OPERATORS_DOMAIN },
      project: { id: project.id, name: project.name },
      created: before === null,
      password: hash === null ? "kept" : "set",
    };
  });
}
