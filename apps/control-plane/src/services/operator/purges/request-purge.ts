import { conflict, notFound } from "@andromede/base/errors";
import type { Origin } from "@andromede/platform/events/append";
import type { Actor } from "@andromede/platform/tokens/actor";

import type { App } from "../../../app.ts";
import { transact } from "../../../db/transaction.ts";
import { deletedProject, hasChildProjects, projectFacts } from "../../identity/public.ts";
import type { ProjectPurge } from "./purge.model.ts";
import { findPurge, insertPurge } from "./purge.queries.ts";

/**
 * Begins the end of a project, there or already deleted; asked again, changes nothing. From the first step of its
 * reconciler on nobody can use the project; nothing of it comes back.
 */
export function requestPurge(
  { app, origin, actor }: { app: App; origin: Origin; actor: Actor },
  projectId: string,
): Promise<ProjectPurge> {
  return transact(app, origin, async (tx) => {
    const project = (await projectFacts(tx.sql, projectId)) ?? (await deletedProject(tx.sql, projectId));
    const begun = await findPurge(tx.sql, projectId);
    if (begun !== null) return begun;
    if (project === null) throw notFound(`Could not find project: ${projectId}.`);
    if (projectId === actor.projectId) throw conflict("The project that you are signed in to cannot be purged.");
    if (await hasChildProjects(tx.sql, projectId))
      throw conflict(`Project ${projectId} has projects below it: purge those first.`);
    const requestedAt = new Date(app.clock.now());
    await insertPurge(tx.sql, { ...project, requestedBy: actor.userId, requestedAt });
    tx.event({
      action: "operator.project_purge.create",
      target: { type: "project", id: projectId, projectId },
      detail: { name: project.name },
    });
    tx.enqueue(`project-purge/${projectId}`);
    const made = await findPurge(tx.sql, projectId);
    if (made === null) throw new Error("a purge that was just written is not there");
    return made;
  });
}
