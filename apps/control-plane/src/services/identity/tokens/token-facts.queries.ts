import type { Queryable } from "@andromede/platform/db/database";
import type { Plane } from "@andromede/platform/tokens/actor";
import { type NamedRef, type TokenContents, subjectsOf } from "@andromede/platform/tokens/token.model";

import type { LockState, UserOptions } from "../users/user.model.ts";
import type { ScopeSelector } from "./auth-request.ts";

/** What a token is to be made of: read in ONE statement, so in one snapshot with the revocation clock's value. */
export type TokenFacts = LockState & {
  asOf: number;
  user: NamedRef & { domain: NamedRef };
  directory: Plane;
  enabled: boolean;
  passwordHash: string | null;
  defaultProjectId: string | null;
  /** null: there is no such place, or (system) none is needed. */
  target: { id: string; name: string; domain: NamedRef; enabled: boolean; directory: Plane } | null;
  /** The user's there, with all they imply; for an application credential only those it carries. */
  roles: NamedRef[];
  options: UserOptions;
  passwordChangedAt: Date | null;
  /** The credential, if one was given, is still there. */
  credentialThere: boolean;
  /** For a trust: the lender still has everything that was lent. */
  lenderHasAll: boolean;
  /** The token it is to come from was revoked, even if this process has not heard of it yet. */
  parentRevoked: boolean;
};

export async function findTokenFacts(
  sql: Queryable,
  about: {
    userId: string;
    scope: ScopeSelector | null;
    credentialId: string | null;
    parent: TokenContents | null;
    /** Whose roles there count, and which of them were lent; null: the user's own. */
    trust?: { id: string; holderId: string } | null;
    /** What else ends what it comes from, and since when. */
    earlier?: { subjects: string[]; asOf: number } | null;
  },
): Promise<TokenFacts | null> {
  const { userId, scope, credentialId, parent } = about;
  const trust = about.trust ?? null;
  const earlier = about.earlier ?? null;
  const holderId = trust?.holderId ?? userId;
  const [row] = await sql<TokenFacts[]>`
    with recursive target as (${targetOf(sql, scope)}),
    above as (
      select parent_id as id from target where parent_id is not null
      union all select p.parent_id from project p join above on p.id = above.id where p.parent_id is not null
    ),
    granted as (
      select a.role_id from role_assignment a
      where (a.user_id = ${holderId} or a.group_id = any(array(select group_id from group_member where user_id = ${holderId}))) and ${placeOf(sql, scope)}
      union select i.implied_role_id from role_implication i join granted g on i.prior_role_id = g.role_id
    ),
    lent as (
      ${
        trust === null
          ? sql`select role_id from application_credential_role where application_credential_id = ${credentialId}`
          : sql`select role_id from trust_role where trust_id = ${trust.id}`
      }
      union select i.implied_role_id from role_implication i join lent l on i.prior_role_id = l.role_id
    )
    select (select value from revocation_clock) as as_of,
      json_build_object('id', u.id, 'name', u.name, 'domain', json_build_object('id', d.id, 'name', d.name)) as "user",
      d.directory, u.enabled and d.enabled as enabled, u.password_hash, u.default_project_id, u.failed_attempts, u.last_failed_at,
      u.options, u.password_changed_at,
      (select json_build_object('id', t.id, 'name', t.name, 'enabled', t.enabled, 'directory', t.directory,
        'domain', json_build_object('id', t.domain_id, 'name', t.domain_name)) from target t) as target,
      (select coalesce(json_agg(json_build_object('id', r.id, 'name', r.name) order by r.name), '[]')
        from granted g join role r on r.id = g.role_id
        where r.domain_id is null ${credentialId === null && trust === null ? sql`` : sql`and r.id in (select role_id from lent)`}) as roles,
      ${
        trust === null
          ? sql`true`
          : sql`not exists (select 1 from lent where role_id not in (select role_id from granted))`
      } as lender_has_all,
      ${credentialId === null ? sql`true` : sql`exists (select 1 from application_credential where id = ${credentialId})`} as credential_there,
      ${parent === null ? sql`false` : revokedSince(sql, subjectsOf(parent), parent.asOf)}
        or ${earlier === null ? sql`false` : revokedSince(sql, earlier.subjects, earlier.asOf)} as parent_revoked
    from user_account u join domain d on d.id = u.domain_id where u.id = ${userId}`;
  return row ?? null;
}

const revokedSince = (sql: Queryable, subjects: string[], asOf: number) =>
  sql`exists (select 1 from revocation where number > ${asOf} and subject = any(${subjects}::text[]))`;

function targetOf(sql: Queryable, scope: ScopeSelector | null) {
  if (scope?.kind === "project") {
    const { project } = scope;
    const which =
      "id" in project
        ? sql`p.id = ${project.id}`
        : "id" in project.domain
          ? sql`p.name = ${project.name} and d.id = ${project.domain.id}`
          : sql`p.name = ${project.name} and d.name = ${project.domain.name}`;
    return sql`
      select p.id, p.name, d.id as domain_id, d.name as domain_name, p.enabled and d.enabled as enabled, d.directory, p.parent_id
      from project p join domain d on d.id = p.domain_id where ${which}`;
  }
  const which =
    scope?.kind !== "domain"
      ? sql`false`
      : "id" in scope.domain
        ? sql`id = ${scope.domain.id}`
        : sql`name = ${scope.domain.name}`;
  return sql`
    select id, name, id as domain_id, name as domain_name, enabled, directory, null::text collate "C" as parent_id
    from domain where ${which}`;
}

function placeOf(sql: Queryable, scope: ScopeSelector | null) {
  switch (scope?.kind) {
    case "project":
      return sql`(
        (not a.inherited and a.project_id = (select id from target))
        or (a.inherited and (a.domain_id = (select domain_id from target) or a.project_id in (select id from above))))`;
    case "domain":
      return sql`not a.inherited and a.domain_id = (select id from target)`;
    case "system":
      return sql`a.project_id is null and a.domain_id is null`;
    case undefined:
      return sql`false`;
  }
}
