import type { Queryable } from "@andromede/platform/db/database";

import type { UserSelector } from "../users/user.queries.ts";
import type { ApplicationCredential, CredentialAccessRule } from "./application-credential.model.ts";

const accessRules = (sql: Queryable) => sql`
  (select coalesce(json_agg(json_build_object('id', ar.id, 'service', ar.service, 'path', ar.path, 'method', ar.method)
      order by ar.id), '[]')
    from application_credential_access_rule ca join access_rule ar on ar.id = ca.access_rule_id
    where ca.application_credential_id = c.id) as access_rules`;

const columns = (sql: Queryable) => sql`
  c.id, c.user_id, c.project_id, c.name, c.description, c.expires_at, c.expires_at_time, c.unrestricted,
  (select coalesce(json_agg(json_build_object('id', r.id, 'name', r.name, 'domainId', r.domain_id, 'description', r.description)
      order by r.name), '[]')
    from application_credential_role cr join role r on r.id = cr.role_id where cr.application_credential_id = c.id) as roles, ${accessRules(sql)}`;

export async function findCredential(
  sql: Queryable,
  userId: string,
  id: string,
): Promise<ApplicationCredential | null> {
  const [row] = await sql<ApplicationCredential[]>`
    select ${columns(sql)} from application_credential c where c.id = ${id} and c.user_id = ${userId}`;
  return row ?? null;
}

export async function listCredentials(
  sql: Queryable,
  userId: string,
  name: string | undefined,
): Promise<ApplicationCredential[]> {
  return sql<ApplicationCredential[]>`
    select ${columns(sql)} from application_credential c
    where c.user_id = ${userId} ${name === undefined ? sql`` : sql`and c.name = ${name}`}
    order by c.name`;
}

export async function listCredentialIdsOfProject(sql: Queryable, projectId: string): Promise<string[]> {
  const rows = await sql<
    { id: string }[]
  >`select id from application_credential where project_id = ${projectId} order by id`;
  return rows.map((row) => row.id);
}

export async function findCredentialById(sql: Queryable, id: string): Promise<ApplicationCredential | null> {
  const [row] = await sql<
    ApplicationCredential[]
  >`select ${columns(sql)} from application_credential c where c.id = ${id}`;
  return row ?? null;
}

export async function insertCredential(
  sql: Queryable,
  credential: ApplicationCredential,
  secretHash: string,
): Promise<void> {
  await sql`
    insert into application_credential (id, user_id, project_id, name, description, expires_at, expires_at_time, unrestricted, secret_hash)
    values (${credential.id}, ${credential.userId}, ${credential.projectId}, ${credential.name}, ${credential.description},
      ${credential.expiresAt}, ${credential.expiresAtTime}, ${credential.unrestricted}, ${secretHash})`;
  await sql`
    insert into application_credential_role (application_credential_id, role_id)
    select ${credential.id}, role_id from unnest(${credential.roles.map((role) => role.id)}::text[]) as role_id`;
  if (credential.accessRules.length === 0) return;
  await sql`
    insert into application_credential_access_rule (application_credential_id, access_rule_id)
    select ${credential.id}, rule_id from unnest(${credential.accessRules.map((rule) => rule.id)}::text[]) as rule_id`;
}

/** Was there one to remove? */
export async function deleteCredential(sql: Queryable, id: string): Promise<boolean> {
  const rows = await sql`delete from application_credential where id = ${id} returning 1`;
  return rows.length > 0;
}

export async function deleteCredentialsOfUser(sql: Queryable, userId: string): Promise<void> {
  await sql`delete from application_credential where user_id = ${userId}`;
}

export async function deleteCredentialsOnProject(sql: Queryable, userIds: string[], projectId: string): Promise<void> {
  await sql`delete from application_credential where user_id = any(${userIds}::text[]) and project_id = ${projectId}`;
}

/** Those on projects where their users have no role any more. */
export async function deleteLapsedCredentials(sql: Queryable, userIds: string[]): Promise<void> {
  await sql`
    delete from application_credential c
    where c.user_id = any(${userIds}::text[]) and not exists (
      with recursive above as (
        select p.id, p.parent_id, p.domain_id from project p where p.id = c.project_id
        union all select p.id, p.parent_id, p.domain_id from project p join above on p.id = above.parent_id)
      select 1 from role_assignment a
      where (
          (not a.inherited and a.project_id = c.project_id)
          or (a.inherited and (a.domain_id in (select domain_id from above)
            or a.project_id in (select id from above where id <> c.project_id))))
        and (a.user_id = c.user_id or a.group_id in (select group_id from group_member m where m.user_id = c.user_id)))`;
}

/** What a sign-in with a credential is checked against. */
export type CredentialAccount = {
  id: string;
  name: string;
  userId: string;
  projectId: string;
  secretHash: string;
  expiresAtTime: Date | null;
  unrestricted: boolean;
  accessRules: CredentialAccessRule[];
};

/** Named by its id, or by its name and whose it is. */
export type CredentialSelector = { id: string } | { name: string; user: UserSelector };

export async function findCredentialAccount(
  sql: Queryable,
  selector: CredentialSelector,
): Promise<CredentialAccount | null> {
  const [row] = await sql<CredentialAccount[]>`
    select c.id, c.name, c.user_id, c.project_id, c.secret_hash, c.expires_at_time, c.unrestricted, ${accessRules(sql)}
    from application_credential c join user_account u on u.id = c.user_id join domain d on d.id = u.domain_id
    where ${whichCredential(sql, selector)}`;
  return row ?? null;
}

function whichCredential(sql: Queryable, selector: CredentialSelector) {
  if ("id" in selector) return sql`c.id = ${selector.id}`;
  const { name, user } = selector;
  if ("id" in user) return sql`c.name = ${name} and u.id = ${user.id}`;
  return "id" in user.domain
    ? sql`c.name = ${name} and u.name = ${user.name} and d.id = ${user.domain.id}`
    : sql`c.name = ${name} and u.name = ${user.name} and d.name = ${user.domain.name}`;
}
