import { conflict, forbidden, invalid, notFound } from "@andromede/base/errors";
import { newHexId } from "@andromede/base/ids";
import type { JsonObject } from "@andromede/base/json";
import type { Origin } from "@andromede/platform/events/append";
import { revocationOf } from "@andromede/platform/tokens/token.model";

import type { App } from "../../../app.ts";
import { transact } from "../../../db/transaction.ts";
import { transactRevoking } from "../revocations/revoke.ts";
import { assertMutable, isImmutableAfter } from "../shared/immutable.ts";
import { mergeExtra } from "../shared/extra.ts";
import { refusing } from "../shared/violations.ts";
import { type Role, type RoleChange, isPolicyRole } from "./role.model.ts";
import { deleteRoleRow, insertRole, lockRole, updateRoleRow } from "./role.queries.ts";
import { tokensOfRole } from "./tokens-of-role.ts";

const missing = (id: string) => notFound(`Could not find role: ${id}.`);
const fixed = (role: Role) => forbidden(`Role ${role.name} is immutable: policies are written in terms of it`);
const duplicate = (name: string) => (cause: unknown) =>
  conflict(`Conflict occurred attempting to store role - Duplicate entry found with name ${name}.`, { cause });

export async function createRole(
  app: App,
  origin: Origin,
  given: RoleChange & { name: string },
  extra: JsonObject,
): Promise<Role> {
  const role: Role = {
    id: newHexId(),
    name: given.name.trim(),
    domainId: given.domain_id ?? null,
    description: given.description ?? null,
    immutable: given.options?.immutable === true,
    extra: mergeExtra({}, extra),
  };
  await transact(app, origin, async (tx) => {
    await refusing(insertRole(tx.sql, role), {
      duplicate: duplicate(role.name),
      dangling: (cause) => notFound(`Could not find domain: ${role.domainId ?? ""}.`, { cause }),
    });
    tx.event({ action: "identity.role.create", target: { type: "role", id: role.id }, detail: { name: role.name } });
  });
  return role;
}

/** Tokens say roles by name, so a new name ends those that say the old one. */
export async function updateRole(
  app: App,
  origin: Origin,
  id: string,
  change: RoleChange,
  extra: JsonObject,
): Promise<Role> {
  return transactRevoking(app, origin, async (tx, revoke) => {
    const before = await lockRole(tx.sql, id);
    if (before === null) throw missing(id);
    if (isPolicyRole(before)) throw fixed(before);
    assertMutable("role", before, change.options);
    if (change.domain_id !== undefined && change.domain_id !== before.domainId) {
      throw invalid("Update of `domain_id` is not allowed.", { field: "role.domain_id" });
    }
    const role: Role = {
      ...before,
      name: change.name?.trim() ?? before.name,
      description: change.description === undefined ? before.description : change.description,
      immutable: isImmutableAfter(before, change.options),
      extra: mergeExtra(before.extra, extra),
    };
    await refusing(updateRoleRow(tx.sql, role), { duplicate: duplicate(role.name) });
    if (role.name !== before.name) revoke(revocationOf.role(id));
    tx.event({ action: "identity.role.update", target: { type: "role", id }, detail: { name: role.name } });
    return role;
  });
}

/** With its assignments. Whoever had it, or had something only through it, signs in again. */
export async function deleteRole(app: App, origin: Origin, id: string): Promise<void> {
  await transactRevoking(app, origin, async (tx, revoke) => {
    const role = await lockRole(tx.sql, id);
    if (role === null) throw missing(id);
    if (isPolicyRole(role)) throw fixed(role);
    assertMutable("role", role);
    revoke(...(await tokensOfRole(tx.sql, role)));
    await deleteRoleRow(tx.sql, id);
    tx.event({ action: "identity.role.delete", target: { type: "role", id }, detail: { name: role.name } });
  });
}
