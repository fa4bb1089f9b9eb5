import { conflict, invalid, notFound } from "@andromede/base/errors";
import { newHexId } from "@andromede/base/ids";
import type { JsonObject } from "@andromede/base/json";
import type { Origin } from "@andromede/platform/events/append";

import type { App } from "../../../app.ts";
import { transact } from "../../../db/transaction.ts";
import { deleteLapsedCredentials } from "../application-credentials/application-credential.queries.ts";
import { listScopesOfGroup } from "../assignments/assignment.queries.ts";
import { revocationOnScope } from "../assignments/assignment.model.ts";
import { transactRevoking } from "../revocations/revoke.ts";
import type { DomainScope } from "../shared/authority.ts";
import { mergeExtra } from "../shared/extra.ts";
import { refusing } from "../shared/violations.ts";
import { findUserInDomain } from "../users/user.queries.ts";
import type { Group, GroupChange } from "./group.model.ts";
import {
  deleteGroupRow,
  deleteMember,
  insertGroup,
  insertMember,
  listMemberIds,
  lockGroup,
  updateGroupRow,
} from "./group.queries.ts";

const missing = (id: string) => notFound(`Could not find group: ${id}.`);
const duplicate = (name: string) => (cause: unknown) =>
  conflict(`Conflict occurred attempting to store group - Duplicate entry found with name ${name}.`, { cause });

export async function createGroup(
  app: App,
  origin: Origin,
  given: GroupChange & { name: string },
  domainId: string,
  extra: JsonObject,
): Promise<Group> {
  const group: Group = {
    id: newHexId(),
    domainId,
    name: given.name.trim(),
    description: given.description ?? "",
    extra: mergeExtra({}, extra),
  };
  await transact(app, origin, async (tx) => {
    await refusing(insertGroup(tx.sql, group), {
      duplicate: duplicate(group.name),
      dangling: (cause) => notFound(`Could not find domain: ${domainId}.`, { cause }),
    });
    tx.event({
      action: "identity.group.create",
      target: { type: "group", id: group.id },
      detail: { name: group.name, domain: domainId },
    });
  });
  return group;
}

export async function updateGroup(
  app: App,
  origin: Origin,
  scope: DomainScope,
  id: string,
  change: GroupChange,
  extra: JsonObject,
): Promise<Group> {
  return transact(app, origin, async (tx) => {
    const before = await lockGroup(tx.sql, id, scope);
    if (before === null) throw missing(id);
    if (change.domain_id !== undefined && change.domain_id !== before.domainId) {
      throw invalid("Cannot change Domain ID", { field: "group.domain_id" });
    }
    const group: Group = {
      ...before,
      name: change.name?.trim() ?? before.name,
      description: change.description === undefined ? before.description : (change.description ?? ""),
      extra: mergeExtra(before.extra, extra),
    };
    await refusing(updateGroupRow(tx.sql, group), { duplicate: duplicate(group.name) });
    tx.event({ action: "identity.group.update", target: { type: "group", id }, detail: { name: group.name } });
    return group;
  });
}

/** Its members lose what they had through it, and the tokens that say they have it. */
export async function deleteGroup(app: App, origin: Origin, scope: DomainScope, id: string): Promise<void> {
  await transactRevoking(app, origin, async (tx, revoke) => {
    const group = await lockGroup(tx.sql, id, scope);
    if (group === null) throw missing(id);
    const [members, scopes] = await Promise.all([listMemberIds(tx.sql, id), listScopesOfGroup(tx.sql, id)]);
    await deleteGroupRow(tx.sql, id);
    for (const { target, domainId } of scopes)
      revoke(...members.map((userId) => revocationOnScope(userId, target, domainId)));
    if (scopes.length > 0) await deleteLapsedCredentials(tx.sql, members);
    tx.event({ action: "identity.group.delete", target: { type: "group", id }, detail: { name: group.name } });
  });
}

/** A domain manager joins users and groups of the own domain only. */
export async function addMember(
  app: App,
  origin: Origin,
  scope: DomainScope,
  groupId: string,
  userId: string,
): Promise<void> {
  await transact(app, origin, async (tx) => {
    await assertBoth(tx.sql, scope, groupId, userId);
    await insertMember(tx.sql, groupId, userId);
    tx.event({ action: "identity.group.add_user", target: { type: "group", id: groupId }, detail: { user: userId } });
  });
}

export async function removeMember(
  app: App,
  origin: Origin,
  scope: DomainScope,
  groupId: string,
  userId: string,
): Promise<void> {
  await transactRevoking(app, origin, async (tx, revoke) => {
    await assertBoth(tx.sql, scope, groupId, userId);
    if (!(await deleteMember(tx.sql, groupId, userId)))
      throw notFound(`Could not find user ${userId} in group ${groupId}.`);
    const scopes = await listScopesOfGroup(tx.sql, groupId);
    revoke(...scopes.map(({ target, domainId }) => revocationOnScope(userId, target, domainId)));
    if (scopes.length > 0) await deleteLapsedCredentials(tx.sql, [userId]);
    tx.event({
      action: "identity.group.remove_user",
      target: { type: "group", id: groupId },
      detail: { user: userId },
    });
  });
}

async function assertBoth(
  sql: Parameters<typeof lockGroup>[0],
  scope: DomainScope,
  groupId: string,
  userId: string,
): Promise<void> {
  const [group, user] = await Promise.all([lockGroup(sql, groupId, scope), findUserInDomain(sql, userId, scope)]);
  if (group === null) throw missing(groupId);
  if (user === null) throw notFound(`Could not find user: ${userId}.`);
}
