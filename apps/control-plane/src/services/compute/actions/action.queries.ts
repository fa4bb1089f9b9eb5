/** What was done to servers: Nova's instance actions. */
import type { Queryable } from "@andromede/platform/db/database";

import type { ServerAction } from "./action.model.ts";

export type NewAction = {
  serverId: string;
  projectId: string;
  userId: string;
  actorProjectId: string | null;
  requestId: string;
  action: string;
};

/** `finished`: the action was over with its request. */
export async function insertAction(sql: Queryable, action: NewAction, at: Date, finished = false): Promise<void> {
  await sql`
    insert into server_action (server_id, project_id, user_id, actor_project_id, request_id, action, started_at, updated_at, finished_at, result)
    values (${action.serverId}, ${action.projectId}, ${action.userId}, ${action.actorProjectId}, ${action.requestId}, ${action.action}, ${at}, ${at},
      ${finished ? at : null}, ${finished ? "Success" : null})`;
}

/** Go on while the guest does whatever else it does. */
const IMAGE_ACTIONS = ["createImage", "createBackup"];
/** End with the request that asked for them. */
const AT_ONCE = ["changePassword", "trigger_crash_dump"];

type ActionEnd = { result: "Success" | "Error"; message: string | null; host: string | null };

/** Ends whatever is open on a server, except the making of images. */
export async function finishActions(sql: Queryable, serverId: string, end: ActionEnd, at: Date): Promise<void> {
  await sql`
    update server_action set finished_at = ${at}, updated_at = ${at}, result = ${end.result}, host = ${end.host}, details = ${end.message},
      message = ${end.result === "Error" ? "Error" : null}
    where server_id = ${serverId} and finished_at is null and action <> all (${[...IMAGE_ACTIONS, ...AT_ONCE]})`;
}

/** Ends the making of an image. */
export async function finishImageActions(sql: Queryable, serverId: string, end: ActionEnd, at: Date): Promise<void> {
  await sql`
    update server_action set finished_at = ${at}, updated_at = ${at}, result = ${end.result}, host = ${end.host}, details = ${end.message},
      message = ${end.result === "Error" ? "Error" : null}
    where server_id = ${serverId} and finished_at is null and action = any (${IMAGE_ACTIONS})`;
}

/** Ends the one that a request began. */
export async function finishAction(
  sql: Queryable,
  one: { serverId: string; requestId: string; action: string },
  end: ActionEnd,
  at: Date,
): Promise<void> {
  await sql`
    update server_action set finished_at = ${at}, updated_at = ${at}, result = ${end.result}, host = ${end.host}, details = ${end.message},
      message = ${end.result === "Error" ? "Error" : null}
    where server_id = ${one.serverId} and request_id = ${one.requestId} and action = ${one.action} and finished_at is null`;
}

const columns = (sql: Queryable) => sql`
  id, server_id, project_id, user_id, actor_project_id, request_id, action, message, started_at, updated_at, finished_at, result, host, details`;

export type ActionPage = { limit: number; marker?: string; changesSince?: Date; changesBefore?: Date };

/** Newest first. Null: no action of this server has the marker's request id. */
export async function listActions(sql: Queryable, serverId: string, page: ActionPage): Promise<ServerAction[] | null> {
  let before: number | null = null;
  if (page.marker !== undefined) {
    const [row] = await sql<{ id: number }[]>`
      select id from server_action where server_id = ${serverId} and request_id = ${page.marker} order by id limit 1`;
    if (row === undefined) return null;
    before = row.id;
  }
  return sql<ServerAction[]>`
    select ${columns(sql)} from server_action where server_id = ${serverId}
      ${before === null ? sql`` : sql`and id < ${before}`}
      ${page.changesSince === undefined ? sql`` : sql`and updated_at >= ${page.changesSince}`}
      ${page.changesBefore === undefined ? sql`` : sql`and updated_at <= ${page.changesBefore}`}
    order by id desc limit ${page.limit}`;
}

/** One action by the id of the request that asked for it. */
export async function findAction(sql: Queryable, serverId: string, requestId: string): Promise<ServerAction | null> {
  const [row] = await sql<ServerAction[]>`
    select ${columns(sql)} from server_action where server_id = ${serverId} and request_id = ${requestId} order by id desc limit 1`;
  return row ?? null;
}

/** Whose the actions of a server are that is gone (microversion 2.21). */
export async function findActionOwner(sql: Queryable, serverId: string): Promise<string | null> {
  const [row] = await sql<
    { projectId: string }[]
  >`select project_id from server_action where server_id = ${serverId} limit 1`;
  return row?.projectId ?? null;
}

/** Servers, gone ones too, that something was done to in the project. */
export async function listServersWithActions(sql: Queryable, projectId: string): Promise<string[]> {
  const rows = await sql<{ serverId: string }[]>`
    select distinct server_id from server_action where project_id = ${projectId} order by server_id`;
  return rows.map((row) => row.serverId);
}

/** For a project that ends. */
export async function deleteActions(sql: Queryable, serverId: string): Promise<void> {
  await sql`delete from server_action where server_id = ${serverId}`;
}
