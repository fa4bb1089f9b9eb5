import { forbidden, invalid, notFound } from "@andromede/base/errors";
import type { JsonObject } from "@andromede/base/json";
import type { Origin } from "@andromede/platform/events/append";
import { revocationOf } from "@andromede/platform/tokens/token.model";

import type { App } from "../../../app.ts";
import { transactRevoking } from "../revocations/revoke.ts";
import type { DomainScope } from "../shared/authority.ts";
import { assertMutable, isImmutableAfter } from "../shared/immutable.ts";
import { mergeExtra } from "../shared/extra.ts";
import { refusing } from "../shared/violations.ts";
import { duplicateProject } from "./create-project.ts";
import type { Project, ProjectChange } from "./project.model.ts";
import { listChildren, lockAncestors, lockProject, updateProjectRow } from "./project.queries.ts";

/** Disabling it ends every token for it. */
export async function updateProject(
  app: App,
  origin: Origin,
  scope: DomainScope,
  id: string,
  change: ProjectChange,
  extra: JsonObject,
): Promise<Project> {
  return transactRevoking(app, origin, async (tx, revoke) => {
    const before = await lockProject(tx.sql, id, scope);
    if (before === null) throw notFound(`Could not find project: ${id}.`);
    assertFixed(before, change);
    assertMutable("project", before, change.options);
    const project: Project = {
      ...before,
      name: change.name?.trim() ?? before.name,
      description: change.description === undefined ? before.description : (change.description ?? ""),
      enabled: change.enabled ?? before.enabled,
      tags: change.tags ?? before.tags,
      immutable: isImmutableAfter(before, change.options),
      extra: mergeExtra(before.extra, extra),
    };
    if (before.enabled && !project.enabled) {
      const children = await listChildren(tx.sql, id);
      if (children.some((child) => child.enabled)) {
        throw forbidden(`Cannot disable project ${id} since its subtree contains enabled projects.`);
      }
      revoke(revocationOf.project(id));
    }
    if (!before.enabled && project.enabled && before.parentId !== null) {
      const line = await lockAncestors(tx.sql, before.parentId);
      if (line.some((one) => !one.enabled))
        throw forbidden(`Cannot enable project ${id} since it has disabled parents`);
    }
    await refusing(updateProjectRow(tx.sql, project), { duplicate: duplicateProject(project.name) });
    tx.event({
      action: "identity.project.update",
      target: { type: "project", id, projectId: id },
      detail: { name: project.name, enabled: project.enabled },
    });
    return project;
  });
}

/** What a project is in and what it is are settled when it is made. */
function assertFixed(before: Project, change: ProjectChange): void {
  if (change.domain_id !== undefined && change.domain_id !== before.domainId) {
    throw invalid("Update of `domain_id` is not allowed.", { field: "project.domain_id" });
  }
  if (change.parent_id !== undefined && change.parent_id !== (before.parentId ?? before.domainId)) {
    throw forbidden("Update of `parent_id` is not allowed.", { field: "project.parent_id" });
  }
  if (change.is_domain === true) throw invalid("Update of `is_domain` is not allowed.", { field: "project.is_domain" });
}
