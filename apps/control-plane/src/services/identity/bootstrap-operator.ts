import { conflict, notFound } from "@andromede/base/errors";
import { newHexId } from "@andromede/base/ids";
import type { Queryable } from "@andromede/platform/db/database";
import { systemOrigin } from "@andromede/platform/events/append";
import { revocationOf } from "@andromede/platform/tokens/token.model";

import type { App } from "../../app.ts";
import { transact } from "../../db/transaction.ts";
import { insertAssignment } from "./assignments/assignment.queries.ts";
import { OPERATORS_DOMAIN } from "./domains/domain.model.ts";
import { hashPassword, verifyPassword } from "./passwords/password-hash.ts";
import type { Project } from "./projects/project.model.ts";
import { findProjectByName } from "./projects/project.queries.ts";
import { writeRevocations } from "./revocations/revoke.ts";
import type { Role } from "./roles/role.model.ts";
import { findRoleByName } from "./roles/role.queries.ts";
import { findAccount, forgetFailures, insertUser, lockUser, setPassword, updateUserRow } from "./users/user.queries.ts";

export type OperatorAccount = {
  user: { id: string; name: string; domain: string };
  project: { id: string; name: string };
  /** Was the account there before? */
  created: boolean;
  password: "set" | "kept";
};

/**
 * The first operator: an account in the operators' domain with role admin on its project and on the system. Run again
 * it changes nothing, or repairs what was lost: a forgotten password, a locked or disabled account, a role that was taken.
 */
export async function bootstrapOperator(
  app: Pick<App, "db" | "clock" | "reconcile" | "config">,
  given: { name: string; password: string },
): Promise<OperatorAccount> {
  const found = await findAccount(app.db, { name: given.name, domain: { id: OPERATORS_DOMAIN } });
  const keeps = found !== null && (await verifyPassword(given.password, found.passwordHash));
  const hash = keeps ? null : await hashPassword(given.password);
  return transact(app, systemOrigin("bootstrap"), async (tx) => {
    const { project, role } = await findOperatorsPlace(tx.sql);
    const { id, created, repaired } = await ensureAccount(tx.sql, {
      id: found?.id ?? null,
      name: given.name,
      hash,
      projectId: project.id,
      nowMs: app.clock.now(),
    });
    const holder = { kind: "user", id } as const;
    const granted = await Promise.all([
      insertAssignment(tx.sql, holder, { kind: "project", id: project.id }, role.id),
      insertAssignment(tx.sql, holder, { kind: "system" }, role.id),
    ]);
    const password = hash === null ? "kept" : "set";
    if (created || repaired || granted.includes(true)) {
      tx.event({
        action: created ? "identity.user.create" : "identity.user.update",
        target: { type: "user", id },
        detail: { name: given.name, domain: OPERATORS_DOMAIN, password, role: role.name },
      });
    }
    if (!created && hash !== null) await writeRevocations(app, tx, [revocationOf.user(id)]);
    return {
      user: { id, name: given.name, domain: OPERATORS_DOMAIN },
      project: { id: project.id, name: project.name },
      created,
      password,
    };
  });
}

async function findOperatorsPlace(sql: Queryable): Promise<{ project: Project; role: Role }> {
  const [project, role] = await Promise.all([
    findProjectByName(sql, OPERATORS_DOMAIN, OPERATORS_DOMAIN),
    findRoleByName(sql, "admin"),
  ]);
  if (role === null || project === null)
    throw notFound("The operators' project or role admin is missing from the database");
  return { project, role };
}

/** `hash` null: the password is right as it is. */
async function ensureAccount(
  sql: Queryable,
  wanted: { id: string | null; name: string; hash: string | null; projectId: string; nowMs: number },
): Promise<{ id: string; created: boolean; repaired: boolean }> {
  const { hash, projectId, nowMs } = wanted;
  if (wanted.id === null) {
    const id = newHexId();
    await insertUser(
      sql,
      {
        id,
        domainId: OPERATORS_DOMAIN,
        name: wanted.name,
        defaultProjectId: projectId,
        enabled: true,
        options: {},
        passwordChangedAt: new Date(nowMs),
        extra: {},
      },
      hash,
    );
    return { id, created: true, repaired: false };
  }
  const before = await lockUser(sql, wanted.id, null);
  if (before === null) throw conflict("The account was deleted while it was looked at: run this again");
  // who has to set the password anew may have lost the other factor with it
  const options = hash === null ? before.options : { ...before.options, multi_factor_auth_enabled: false };
  if (!before.enabled || hash !== null) await updateUserRow(sql, { ...before, options, enabled: true });
  await forgetFailures(sql, before.id);
  if (hash !== null) await setPassword(sql, before.id, hash, { kept: 0, nowMs });
  return { id: before.id, created: false, repaired: !before.enabled || hash !== null };
}
