import { forbidden, notFound } from "@andromede/base/errors";

import { isAdmin } from "../../../http/policy.ts";
import type { ApiRequest } from "../../../http/service.ts";
import type { Role } from "../roles/role.model.ts";
import { refused } from "../shared/authority.ts";
import { type Trust, chainBar, isSpent } from "./trust.model.ts";
import { findChain, listRolesOfTrust, listTrusts } from "./trust.queries.ts";

const LIMIT = 10_000;

/** What an application credential is for is one project, not whatever its user could lend. */
export function assertNoApplicationCredential({ actor }: Pick<ApiRequest, "actor">): void {
  if (actor.applicationCredentialId !== undefined)
    throw forbidden("Using method 'application_credential' is not allowed for managing trusts.");
}

/** For the trustor, the trustee and operators; for others it is not there. */
export async function readTrust(request: ApiRequest, id: string): Promise<Trust> {
  assertNoApplicationCredential(request);
  const { app, actor, plane } = request;
  const chain = await findChain(app.db, id);
  const [trust] = chain;
  const mine = trust !== undefined && [trust.trustorUserId, trust.trusteeUserId].includes(actor.userId);
  if (trust === undefined || (!mine && !isAdmin(actor, plane)) || isSpent(trust, app.clock.now()))
    throw notFound(`Could not find trust: ${id}.`);
  const bar = trust.redelegatedTrustId === null ? null : chainBar(chain, app.clock.now());
  if (bar !== null) throw forbidden(bar);
  return trust;
}

export async function readTrustWithRoles(request: ApiRequest, id: string): Promise<{ trust: Trust; roles: Role[] }> {
  const trust = await readTrust(request, id);
  return { trust, roles: await listRolesOfTrust(request.app.db, id) };
}

/** One's own, as trustor or as trustee, whichever is asked for; all of them for operators. */
export async function readTrusts(request: ApiRequest): Promise<Trust[]> {
  const { app, actor, plane, query } = request;
  const trustorId = query.get("trustor_user_id");
  const trusteeId = trustorId === undefined ? query.get("trustee_user_id") : undefined;
  const asked = trustorId ?? trusteeId;
  if (asked !== actor.userId && !isAdmin(actor, plane)) {
    throw refused(
      trustorId !== undefined
        ? "list_trusts_for_trustor"
        : trusteeId !== undefined
          ? "list_trusts_for_trustee"
          : "list_trusts",
    );
  }
  assertNoApplicationCredential(request);
  return listTrusts(app.db, { trustorId, trusteeId, limit: LIMIT }, app.clock.now());
}
