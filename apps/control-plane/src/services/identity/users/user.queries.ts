import type { Queryable } from "@andromede/platform/db/database";
import type { Plane } from "@andromede/platform/tokens/actor";

import type { ListFilter } from "../shared/list-filter.ts";
import { listConditions } from "../shared/list.queries.ts";
import type { LockRules, LockState, User } from "./user.model.ts";

const columns = (sql: Queryable) =>
  sql`id, domain_id, name, default_project_id, enabled, options, password_changed_at, extra`;

/** One outside the given domain (null: any) is not there. */
export async function findUserInDomain(sql: Queryable, id: string, domainId: string | null): Promise<User | null> {
  const [row] = await sql<User[]>`
    select ${columns(sql)} from user_account where id = ${id} ${domainId === null ? sql`` : sql`and domain_id = ${domainId}`}`;
  return row ?? null;
}

/** The same, held until the transaction ends. */
export async function lockUser(
  sql: Queryable,
  id: string,
  domainId: string | null,
): Promise<(User & { passwordHash: string | null }) | null> {
  const [row] = await sql<(User & { passwordHash: string | null })[]>`
    select ${columns(sql)}, password_hash from user_account
    where id = ${id} ${domainId === null ? sql`` : sql`and domain_id = ${domainId}`} for update`;
  return row ?? null;
}

export async function listUsers(sql: Queryable, filter: ListFilter, domainId: string | null): Promise<User[]> {
  return sql<User[]>`
    select ${columns(sql)} from user_account
    where true ${listConditions(sql, filter)}
      ${domainId === null ? sql`` : sql`and domain_id = ${domainId}`}
      ${filter.enabled === undefined ? sql`` : sql`and enabled = ${filter.enabled}`}
    order by id limit ${filter.limit + 1}`;
}

export async function listGroupMembers(sql: Queryable, groupId: string, filter: ListFilter): Promise<User[]> {
  return sql<User[]>`
    select ${columns(sql)} from user_account
    where id in (select user_id from group_member where group_id = ${groupId}) ${listConditions(sql, filter)}
      ${filter.enabled === undefined ? sql`` : sql`and enabled = ${filter.enabled}`}
    order by id limit ${filter.limit + 1}`;
}

export async function insertUser(sql: Queryable, user: User, passwordHash: string | null): Promise<void> {
  await sql`
    insert into user_account (id, domain_id, name, default_project_id, enabled, options, extra, password_hash, password_changed_at)
    values (${user.id}, ${user.domainId}, ${user.name}, ${user.defaultProjectId}, ${user.enabled}, ${sql.json(user.options)},
      ${sql.json(user.extra)}, ${passwordHash}, ${user.passwordChangedAt})`;
}

export async function updateUserRow(sql: Queryable, user: User): Promise<void> {
  await sql`
    update user_account set name = ${user.name}, default_project_id = ${user.defaultProjectId}, enabled = ${user.enabled},
      options = ${sql.json(user.options)}, extra = ${sql.json(user.extra)}
    where id = ${user.id}`;
}

export async function deleteUserRow(sql: Queryable, id: string): Promise<void> {
  await sql`delete from user_account where id = ${id}`;
}

/** Sets the password and forgets failures; the one before goes into the history, of which the newest `kept` stay. */
export async function setPassword(
  sql: Queryable,
  userId: string,
  hash: string | null,
  options: { kept: number; nowMs: number },
): Promise<void> {
  await sql`
    insert into password_history (user_id, password_hash)
    select id, password_hash from user_account where id = ${userId} and password_hash is not null`;
  await sql`
    delete from password_history where user_id = ${userId} and id not in (
      select id from password_history where user_id = ${userId} order by id desc limit ${options.kept})`;
  await sql`
    update user_account set password_hash = ${hash}, password_changed_at = ${new Date(options.nowMs)}, failed_attempts = 0, last_failed_at = null
    where id = ${userId}`;
}

/** Hashes of the user's last passwords, the one in force first. */
export async function listLastPasswords(sql: Queryable, userId: string, count: number): Promise<string[]> {
  const rows = await sql<{ passwordHash: string }[]>`
    (select password_hash from user_account where id = ${userId} and password_hash is not null)
    union all
    (select password_hash from password_history where user_id = ${userId} order by id desc limit ${Math.max(0, count - 1)})`;
  return rows.slice(0, count).map((row) => row.passwordHash);
}

/** What a password is checked against. */
export type Account = LockState & {
  id: string;
  name: string;
  enabled: boolean;
  passwordHash: string | null;
  domainEnabled: boolean;
  directory: Plane;
  passwordChangedAt: Date | null;
};

/** A user as a sign-in names one: by id, or by name within a domain. */
export type UserSelector = { id: string } | { name: string; domain: { id: string } | { name: string } };

export async function findAccount(sql: Queryable, selector: UserSelector): Promise<Account | null> {
  const which =
    "id" in selector
      ? sql`u.id = ${selector.id}`
      : "id" in selector.domain
        ? sql`u.name = ${selector.name} and d.id = ${selector.domain.id}`
        : sql`u.name = ${selector.name} and d.name = ${selector.domain.name}`;
  const [row] = await sql<Account[]>`
    select u.id, u.name, u.enabled, u.password_hash, u.failed_attempts, u.last_failed_at, u.options, u.password_changed_at,
      d.enabled as domain_enabled, d.directory
    from user_account u join domain d on d.id = u.domain_id where ${which}`;
  return row ?? null;
}

/** One more failure; after a lock that has ended, the first of a new row. */
export async function countFailure(sql: Queryable, userId: string, rules: LockRules, nowMs: number): Promise<void> {
  await sql`
    update user_account set last_failed_at = ${new Date(nowMs)},
      failed_attempts = case
        when failed_attempts >= ${rules.failures} and last_failed_at <= ${new Date(nowMs - rules.lockMs)} then 1
        else least(failed_attempts, 1000000) + 1 end
    where id = ${userId}`;
}

export async function forgetFailures(sql: Queryable, userId: string): Promise<void> {
  await sql`update user_account set failed_attempts = 0, last_failed_at = null where id = ${userId} and failed_attempts > 0`;
}
