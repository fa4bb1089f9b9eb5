/** All that other services may ask of Identity. */
import type { Queryable } from "@andromede/platform/db/database";
import type { Origin } from "@andromede/platform/events/append";
import type { TokenContents } from "@andromede/platform/tokens/token.model";

import type { App } from "../../app.ts";
import {
  type DeletedProject,
  findDeletedProject,
  findProject,
  listChildren,
  listDeletedProjects,
  removeDeletedProject,
} from "./projects/project.queries.ts";
import { updateProject } from "./projects/update-project.ts";
import { findUserInDomain } from "./users/user.queries.ts";

export type { TokenContents } from "@andromede/platform/tokens/token.model";

/** What others may know of a project. */
export type ProjectFacts = { id: string; name: string; domainId: string; enabled: boolean };
/** What others may know of a user. */
export type UserFacts = { id: string; name: string; domainId: string; enabled: boolean };

/** Is there such a project, enabled or not? */
export async function projectExists(sql: Queryable, projectId: string): Promise<boolean> {
  return (await findProject(sql, projectId)) !== null;
}

/** null: there is none. */
export async function projectFacts(sql: Queryable, projectId: string): Promise<ProjectFacts | null> {
  const project = await findProject(sql, projectId);
  return project === null
    ? null
    : { id: project.id, name: project.name, domainId: project.domainId, enabled: project.enabled };
}

/** null: there is none. */
export async function userFacts(sql: Queryable, userId: string): Promise<UserFacts | null> {
  const user = await findUserInDomain(sql, userId, null);
  return user === null ? null : { id: user.id, name: user.name, domainId: user.domainId, enabled: user.enabled };
}

/**
 * Projects that were deleted and whose resources nobody has looked after yet, the longest gone first. A purge walks
 * these and calls `forgetDeletedProject` when nothing of theirs is left.
 */
export const deletedProjects = (sql: Queryable, limit = 100): Promise<DeletedProject[]> =>
  listDeletedProjects(sql, limit);

/** null: no such project was deleted, or its purge is done. */
export const deletedProject = (sql: Queryable, projectId: string): Promise<DeletedProject | null> =>
  findDeletedProject(sql, projectId);

/** Whether projects are below it in the hierarchy. */
export const hasChildProjects = async (sql: Queryable, projectId: string): Promise<boolean> =>
  (await listChildren(sql, projectId)).length > 0;

/** From here on nobody can use the project; its tokens are dead. Idempotent; nothing when it is gone. */
export async function closeProject(app: App, origin: Origin, projectId: string): Promise<void> {
  const project = await findProject(app.db, projectId);
  if (project?.enabled === true) await updateProject(app, origin, null, projectId, { enabled: false }, {});
}

/** The purge of a deleted project is done. Idempotent. */
export const forgetDeletedProject = (sql: Queryable, projectId: string): Promise<void> =>
  removeDeletedProject(sql, projectId);

/** A token with whatever contents, signed by this installation: for tests and for what the cloud does by itself. */
export const mintToken = (app: Pick<App, "tokens">, contents: TokenContents): string => app.tokens.issue(contents);

export { bootstrapOperator } from "./bootstrap-operator.ts";
