import { invalid, notFound } from "@andromede/base/errors";
import type { Origin } from "@andromede/platform/events/append";

import type { App } from "../../../app.ts";
import { transact } from "../../../db/transaction.ts";
import type { DomainScope } from "../shared/authority.ts";
import { assertMutable } from "../shared/immutable.ts";
import { MAX_TAGS, type Project } from "./project.model.ts";
import { lockProject, updateProjectRow } from "./project.queries.ts";

/** Reads, changes and writes a project's tags in one transaction. */
export async function changeTags(
  app: App,
  origin: Origin,
  scope: DomainScope,
  id: string,
  change: (tags: string[]) => string[],
): Promise<Project> {
  return transact(app, origin, async (tx) => {
    const before = await lockProject(tx.sql, id, scope);
    if (before === null) throw notFound(`Could not find project: ${id}.`);
    assertMutable("project", before);
    const tags = change(before.tags);
    if (tags.length > MAX_TAGS) throw invalid(`A project has at most ${MAX_TAGS} tags`);
    const project = { ...before, tags };
    await updateProjectRow(tx.sql, project);
    tx.event({ action: "identity.project.update", target: { type: "project", id, projectId: id }, detail: { tags } });
    return project;
  });
}
