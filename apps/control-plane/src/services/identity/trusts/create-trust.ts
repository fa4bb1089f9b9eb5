import { forbidden, invalid, notFound } from "@andromede/base/errors";
import { newHexId } from "@andromede/base/ids";
import type { Queryable } from "@andromede/platform/db/database";

import { transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { findDomain } from "../domains/domain.queries.ts";
import { findProject } from "../projects/project.queries.ts";
import type { Role } from "../roles/role.model.ts";
import { findRoleByName, listRolesById } from "../roles/role.queries.ts";
import { refused } from "../shared/authority.ts";
import { extraOf, mergeExtra } from "../shared/extra.ts";
import { parseExpiry } from "../shared/expiry.ts";
import { refusing } from "../shared/violations.ts";
import { findUserInDomain } from "../users/user.queries.ts";
import { MAX_REDELEGATIONS, type Trust, chainBar, isSpent, redelegationBar } from "./trust.model.ts";
import { findChain, insertTrust, listEffectiveRoleIds, listRolesOfTrust } from "./trust.queries.ts";
import { trustMembers } from "./trust.schema.ts";

export type CreateTrust = {
  trustor_user_id: string;
  trustee_user_id: string;
  impersonation: boolean;
  project_id?: string | null;
  remaining_uses?: number | null;
  expires_at?: string | null;
  allow_redelegation?: boolean | null;
  redelegation_count?: number | null;
  roles?: ({ id: string } | { name: string })[];
};

type Request = Pick<ApiRequest, "app" | "actor" | "plane" | "origin">;

/** Whoever signs in as the trustor lends; with a token had from a trust, what that trust lends is lent on. */
export async function createTrust(request: Request, given: CreateTrust): Promise<{ trust: Trust; roles: Role[] }> {
  const { app, actor, origin } = request;
  if (actor.userId !== given.trustor_user_id) throw refused("create_trust");
  const projectId = given.project_id === "" ? null : (given.project_id ?? null);
  if (projectId !== null && (given.roles ?? []).length === 0) throw forbidden("At least one role should be specified");
  const nowMs = app.clock.now();
  const expiresAt =
    typeof given.expires_at === "string" ? parseExpiry(given.expires_at, nowMs, "trust.expires_at") : null;
  return transact(app, origin, async (tx) => {
    await assertTrustee(tx.sql, request, given.trustee_user_id);
    const source = actor.trustId === undefined ? [] : await findChain(tx.sql, actor.trustId);
    const holderId = source.at(-1)?.trustorUserId ?? actor.userId;
    const roleIds = await findLentRoles(tx.sql, holderId, projectId, given.roles ?? []);
    const [parent] = source;
    const wanted: Trust = {
      id: newHexId(),
      trustorUserId: actor.userId,
      trusteeUserId: given.trustee_user_id,
      projectId,
      impersonation: given.impersonation,
      expiresAt: expiresAt ?? parent?.expiresAt ?? null,
      remainingUses: given.remaining_uses ?? null,
      redelegationCount: readCount(given, parent),
      redelegatedTrustId: parent?.id ?? null,
      extra: mergeExtra({}, extraOf(given, trustMembers)),
      roleIds,
    };
    if (actor.trustId !== undefined) assertMayLendOn(source, wanted, nowMs);
    await refusing(insertTrust(tx.sql, wanted), {
      dangling: (cause) => notFound("Could not find the trust's user, project or role.", { cause }),
    });
    tx.event({
      action: "identity.trust.create",
      target: { type: "trust", id: wanted.id, projectId },
      detail: {
        trustor: wanted.trustorUserId,
        trustee: wanted.trusteeUserId,
        impersonation: wanted.impersonation,
        roles: roleIds,
      },
    });
    return { trust: wanted, roles: await listRolesOfTrust(tx.sql, wanted.id) };
  });
}

/** The trustee must be there, and in the directory of whoever lends: nobody of the other plane acts for them. */
async function assertTrustee(sql: Queryable, { actor }: Request, userId: string): Promise<void> {
  const user = await findUserInDomain(sql, userId, null);
  const domain = user === null ? null : await findDomain(sql, user.domainId);
  if (domain === null || domain.directory !== actor.directory) throw notFound(`Could not find user: ${userId}.`);
}

async function findLentRoles(
  sql: Queryable,
  holderId: string,
  projectId: string | null,
  asked: ({ id: string } | { name: string })[],
): Promise<string[]> {
  const ids: string[] = [];
  for (const one of asked) {
    const id = "id" in one ? one.id : (await findRoleByName(sql, one.name))?.id;
    if (id === undefined) throw notFound(`Could not find role: ${"name" in one ? one.name : ""}.`);
    ids.push(id);
  }
  if (projectId === null) {
    if (ids.length > 0) throw notFound(`Could not find role: ${ids[0] ?? ""}.`);
    return [];
  }
  if ((await findProject(sql, projectId)) === null) throw notFound(`Could not find project: ${projectId}.`);
  const [held, known] = await Promise.all([listEffectiveRoleIds(sql, holderId, projectId), listRolesById(sql, ids)]);
  for (const id of ids) {
    if (!held.includes(id) || !known.some((role) => role.id === id)) throw notFound(`Could not find role: ${id}.`);
  }
  return [...new Set(ids)].toSorted();
}

/** How often it may be lent on. */
function readCount(given: CreateTrust, parent: Trust | undefined): number {
  const asked = given.redelegation_count ?? undefined;
  if (given.allow_redelegation !== true || asked === 0) return 0;
  if (asked !== undefined && asked > MAX_REDELEGATIONS) {
    throw forbidden(`Requested redelegation depth of ${asked} is greater than allowed ${MAX_REDELEGATIONS}`);
  }
  if (typeof given.remaining_uses === "number")
    throw invalid("remaining_uses must not be set if redelegation is allowed", { field: "trust.remaining_uses" });
  if (parent === undefined) return asked ?? MAX_REDELEGATIONS;
  const left = parent.redelegationCount - 1;
  if (asked !== undefined && asked !== left) {
    throw forbidden(
      'Modifying "redelegation_count" upon redelegation is forbidden. Omitting this parameter is advised.',
    );
  }
  return Math.max(0, left);
}

function assertMayLendOn(source: Awaited<ReturnType<typeof findChain>>, wanted: Trust, nowMs: number): void {
  const [parent] = source;
  if (parent === undefined || isSpent(parent, nowMs)) throw notFound("Could not find the trust that is to be lent on.");
  if (parent.projectId !== wanted.projectId) throw forbidden("A trust is lent on for its own project only");
  const bar = chainBar(source, nowMs) ?? redelegationBar(parent, wanted);
  if (bar !== null) throw forbidden(bar);
}
