import { conflict, forbidden, notFound } from "@andromede/base/errors";
import { newHexId } from "@andromede/base/ids";
import type { JsonObject } from "@andromede/base/json";
import type { Queryable } from "@andromede/platform/db/database";
import type { Origin } from "@andromede/platform/events/append";

import type { App } from "../../../app.ts";
import { transact } from "../../../db/transaction.ts";
import { findDomain } from "../domains/domain.queries.ts";
import { mergeExtra } from "../shared/extra.ts";
import { refusing } from "../shared/violations.ts";
import { MAX_DEPTH, type Project, type ProjectChange } from "./project.model.ts";
import { insertProject, lockAncestors } from "./project.queries.ts";

export const duplicateProject = (name: string) => (cause: unknown) =>
  conflict(
    `Conflict occurred attempting to store project - it is not permitted to have two projects with the same name in the same domain: ${name}.`,
    { cause },
  );

export async function createProject(
  app: App,
  origin: Origin,
  given: ProjectChange & { name: string },
  domainId: string,
  extra: JsonObject,
): Promise<Project> {
  const parentId =
    given.parent_id === undefined || given.parent_id === null || given.parent_id === domainId ? null : given.parent_id;
  const project: Project = {
    id: newHexId(),
    domainId,
    parentId,
    name: given.name.trim(),
    description: given.description ?? "",
    enabled: given.enabled ?? true,
    tags: given.tags ?? [],
    immutable: given.options?.immutable === true,
    extra: mergeExtra({}, extra),
  };
  await transact(app, origin, async (tx) => {
    await assertBranch(tx.sql, domainId, parentId);
    await refusing(insertProject(tx.sql, project), {
      duplicate: duplicateProject(project.name),
      dangling: (cause) => notFound(`Could not find domain: ${domainId}.`, { cause }),
    });
    tx.event({
      action: "identity.project.create",
      target: { type: "project", id: project.id, projectId: project.id },
      detail: { name: project.name, domain: domainId },
    });
  });
  return project;
}

/** Parents must be there, in the domain, enabled, and not too many. */
async function assertBranch(sql: Queryable, domainId: string, parentId: string | null): Promise<void> {
  const domain = await findDomain(sql, domainId);
  if (domain === null) throw notFound(`Could not find domain: ${domainId}.`);
  if (!domain.enabled) throw forbidden("Cannot create a project in a branch containing a disabled project");
  if (parentId === null) return;
  const line = await lockAncestors(sql, parentId);
  const parent = line.find((one) => one.id === parentId);
  if (parent === undefined || parent.domainId !== domainId) throw notFound(`Could not find project: ${parentId}.`);
  if (line.some((one) => !one.enabled))
    throw forbidden("Cannot create a project in a branch containing a disabled project");
  // the domain, the line above, and the new one
  if (line.length + 2 > MAX_DEPTH)
    throw forbidden(`Max hierarchy depth reached for the branch of project ${parentId}.`);
}
