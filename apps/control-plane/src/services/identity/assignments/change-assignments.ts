import { forbidden, notFound } from "@andromede/base/errors";
import type { Queryable } from "@andromede/platform/db/database";
import type { Origin } from "@andromede/platform/events/append";

import type { App } from "../../../app.ts";
import { transact } from "../../../db/transaction.ts";
import {
  deleteCredentialsOnProject,
  deleteLapsedCredentials,
} from "../application-credentials/application-credential.queries.ts";
import { listMemberIds } from "../groups/group.queries.ts";
import { transactRevoking } from "../revocations/revoke.ts";
import { type Role, isDomainManaged } from "../roles/role.model.ts";
import { findRole } from "../roles/role.queries.ts";
import { type DomainScope, refused } from "../shared/authority.ts";
import { type Holder, type Target, revocationOnScope } from "./assignment.model.ts";
import { deleteAssignment, findParties, insertAssignment, listGrantedRoles } from "./assignment.queries.ts";

const describe = (holder: Holder, target: Target) => ({
  [holder.kind]: holder.id,
  scope: target.kind === "system" ? "system" : `${target.kind} ${target.id}`,
  ...(target.kind !== "system" && target.inherited === true ? { inherited: true } : {}),
});

const eventTarget = (roleId: string, target: Target) => ({
  type: "role",
  id: roleId,
  ...(target.kind === "project" ? { projectId: target.id } : {}),
});

/** Idempotent: a role that is held already stays held. */
export async function assignRole(
  app: App,
  origin: Origin,
  scope: DomainScope,
  holder: Holder,
  target: Target,
  roleId: string,
): Promise<void> {
  await transact(app, origin, async (tx) => {
    const { role } = await assertGrant(tx.sql, scope, holder, target, roleId, "create_grant");
    if (!(await insertAssignment(tx.sql, holder, target, roleId))) return;
    tx.event({
      action: "identity.role.assign",
      target: eventTarget(roleId, target),
      detail: { role: role.name, ...describe(holder, target) },
    });
  });
}

/** Ends the tokens that say so, and (as Keystone) the user's application credentials on that project. */
export async function unassignRole(
  app: App,
  origin: Origin,
  scope: DomainScope,
  holder: Holder,
  target: Target,
  roleId: string,
): Promise<void> {
  await transactRevoking(app, origin, async (tx, revoke) => {
    const { role, domainId } = await assertGrant(tx.sql, scope, holder, target, roleId, "revoke_grant");
    if (!(await deleteAssignment(tx.sql, holder, target, roleId))) throw missingGrant(holder, target, roleId);
    const userIds = holder.kind === "user" ? [holder.id] : await listMemberIds(tx.sql, holder.id);
    if (target.kind === "project" && target.inherited !== true)
      await deleteCredentialsOnProject(tx.sql, userIds, target.id);
    else await deleteLapsedCredentials(tx.sql, userIds);
    revoke(...userIds.map((userId) => revocationOnScope(userId, target, domainId)));
    tx.event({
      action: "identity.role.unassign",
      target: eventTarget(roleId, target),
      detail: { role: role.name, ...describe(holder, target) },
    });
  });
}

/** 404 unless the holder has exactly this role there. */
export async function assertAssigned(
  sql: Queryable,
  scope: DomainScope,
  holder: Holder,
  target: Target,
  roleId: string,
): Promise<void> {
  await assertParties(sql, scope, holder, target);
  const roles = await listGrantedRoles(sql, holder, target);
  if (!roles.some((role) => role.id === roleId)) throw missingGrant(holder, target, roleId);
}

export async function readGrantedRoles(
  sql: Queryable,
  scope: DomainScope,
  holder: Holder,
  target: Target,
): Promise<Role[]> {
  await assertParties(sql, scope, holder, target);
  return listGrantedRoles(sql, holder, target);
}

const missingGrant = (holder: Holder, target: Target, roleId: string) =>
  notFound(
    `Could not find role assignment with role: ${roleId}, user or group: ${holder.id}, project, domain, or system: ${target.kind === "system" ? "system" : target.id}.`,
  );

/** Both must be there; for a domain manager, there means in the own domain. */
async function assertParties(
  sql: Queryable,
  scope: DomainScope,
  holder: Holder,
  target: Target,
): Promise<string | null> {
  const { holderDomainId, targetDomainId } = await findParties(sql, holder, target);
  const visible = (domainId: string | null): boolean => domainId !== null && (scope === null || scope === domainId);
  if (!visible(holderDomainId)) throw notFound(`Could not find ${holder.kind}: ${holder.id}.`);
  if (target.kind === "system") {
    if (scope !== null) throw refused("create_system_grant_for_user");
    return null;
  }
  if (!visible(targetDomainId)) throw notFound(`Could not find ${target.kind}: ${target.id}.`);
  return targetDomainId;
}

async function assertGrant(
  sql: Queryable,
  scope: DomainScope,
  holder: Holder,
  target: Target,
  roleId: string,
  rule: string,
): Promise<{ role: Role; domainId: string | null }> {
  const targetDomainId = await assertParties(sql, scope, holder, target);
  const role = await findRole(sql, roleId);
  if (role === null) throw notFound(`Could not find role: ${roleId}.`);
  if (scope !== null && !isDomainManaged(role)) throw refused(rule);
  if (role.domainId !== null && role.domainId !== targetDomainId) {
    throw forbidden(`The target of the assignment must be in the same domain as the role ${roleId} being assigned.`);
  }
  return { role, domainId: targetDomainId };
}
