import type { Queryable } from "@andromede/platform/db/database";

import type { Role } from "../roles/role.model.ts";
import type { ChainLink, Trust } from "./trust.model.ts";

const columns = (sql: Queryable) => sql`
  t.id, t.trustor_user_id, t.trustee_user_id, t.project_id, t.impersonation, t.expires_at, t.remaining_uses,
  t.redelegation_count, t.redelegated_trust_id, t.extra,
  (select coalesce(array_agg(role_id order by role_id), '{}') from trust_role where trust_id = t.id) as role_ids`;

export async function findTrust(sql: Queryable, id: string): Promise<Trust | null> {
  const [row] = await sql<Trust[]>`select ${columns(sql)} from trust t where t.id = ${id}`;
  return row ?? null;
}

/** The trust, the one it comes from, and so on. */
export async function findChain(sql: Queryable, id: string): Promise<ChainLink[]> {
  return sql<ChainLink[]>`
    with recursive line as (
      select id, redelegated_trust_id, 0 as depth from trust where id = ${id}
      union all select t.id, t.redelegated_trust_id, depth + 1 from trust t join line on t.id = line.redelegated_trust_id)
    select ${columns(sql)}, trustor.domain_id as trustor_domain_id,
      trustor.enabled and trustee.enabled and trustor_domain.enabled and trustee_domain.enabled as agents_enabled
    from line join trust t on t.id = line.id
      join user_account trustor on trustor.id = t.trustor_user_id join domain trustor_domain on trustor_domain.id = trustor.domain_id
      join user_account trustee on trustee.id = t.trustee_user_id join domain trustee_domain on trustee_domain.id = trustee.domain_id
    order by line.depth`;
}

export type TrustFilter = { trustorId: string | undefined; trusteeId: string | undefined; limit: number };

export async function listTrusts(sql: Queryable, filter: TrustFilter, nowMs: number): Promise<Trust[]> {
  return sql<Trust[]>`
    select ${columns(sql)} from trust t
    where (t.expires_at is null or t.expires_at > ${new Date(nowMs)}) and (t.remaining_uses is null or t.remaining_uses > 0)
      ${filter.trustorId === undefined ? sql`` : sql`and t.trustor_user_id = ${filter.trustorId}`}
      ${filter.trusteeId === undefined ? sql`` : sql`and t.trustee_user_id = ${filter.trusteeId}`}
    order by t.id limit ${filter.limit}`;
}

export async function listTrustIdsOfProject(sql: Queryable, projectId: string): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`select id from trust where project_id = ${projectId} order by id`;
  return rows.map((row) => row.id);
}

export async function listRolesOfTrust(sql: Queryable, trustId: string): Promise<Role[]> {
  return sql<Role[]>`
    select id, name, domain_id, description, immutable, extra from role
    where id in (select role_id from trust_role where trust_id = ${trustId}) order by name, id`;
}

export async function insertTrust(sql: Queryable, trust: Trust): Promise<void> {
  await sql`
    insert into trust (id, trustor_user_id, trustee_user_id, project_id, impersonation, expires_at, remaining_uses,
      redelegation_count, redelegated_trust_id, extra)
    values (${trust.id}, ${trust.trustorUserId}, ${trust.trusteeUserId}, ${trust.projectId}, ${trust.impersonation},
      ${trust.expiresAt}, ${trust.remainingUses}, ${trust.redelegationCount}, ${trust.redelegatedTrustId}, ${sql.json(trust.extra)})`;
  await sql`
    insert into trust_role (trust_id, role_id) select ${trust.id}, role_id from unnest(${trust.roleIds}::text[]) as role_id`;
}

/** With those that come from it: the ids of all of them. Empty: there was none. */
export async function deleteTrustTree(sql: Queryable, id: string): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    with recursive tree as (
      select id from trust where id = ${id}
      union select t.id from trust t join tree on t.redelegated_trust_id = tree.id)
    select id from tree`;
  if (rows.length > 0) await sql`delete from trust where id = ${id}`;
  return rows.map((row) => row.id);
}

/** False: nothing was left of it. */
export async function consumeUse(sql: Queryable, id: string): Promise<boolean> {
  const rows = await sql`
    update trust set remaining_uses = remaining_uses - 1
    where id = ${id} and (remaining_uses is null or remaining_uses > 0) returning 1`;
  return rows.length > 0;
}

/** Ids of the roles a user has on a project now: by groups, inheritance and implication too; domains' own roles included. */
export async function listEffectiveRoleIds(sql: Queryable, userId: string, projectId: string): Promise<string[]> {
  const rows = await sql<{ roleId: string }[]>`
    with recursive line as (
      select id, parent_id, domain_id from project where id = ${projectId}
      union all select p.id, p.parent_id, p.domain_id from project p join line on p.id = line.parent_id
    ), granted as (
      select a.role_id from role_assignment a
      where (a.user_id = ${userId} or a.group_id = any(array(select group_id from group_member where user_id = ${userId})))
        and ((not a.inherited and a.project_id = ${projectId})
          or (a.inherited and (a.domain_id in (select domain_id from line) or a.project_id in (select id from line where id <> ${projectId}))))
      union select i.implied_role_id from role_implication i join granted g on i.prior_role_id = g.role_id)
    select role_id from granted`;
  return rows.map((row) => row.roleId);
}
