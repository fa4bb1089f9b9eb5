import { forbidden, notFound } from "@andromede/base/errors";
import type { Origin } from "@andromede/platform/events/append";
import { revocationOf } from "@andromede/platform/tokens/token.model";

import type { App } from "../../../app.ts";
import type { Transaction } from "../../../db/transaction.ts";
import { type Revoke, transactRevoking } from "../revocations/revoke.ts";
import type { DomainScope } from "../shared/authority.ts";
import { assertMutable } from "../shared/immutable.ts";
import { deleteProjectRow, listChildren, lockProject } from "./project.queries.ts";

/** The row and all that hangs on it in Identity, as Keystone; what other services keep for it is the purge's work. */
export async function deleteProject(app: App, origin: Origin, scope: DomainScope, id: string): Promise<void> {
  await transactRevoking(app, origin, async (tx, revoke) => {
    const project = await lockProject(tx.sql, id, scope);
    if (project !== null) assertMutable("project", project);
    await removeProject(tx, revoke, scope, id);
  });
}

/** For whoever has decided already, a purge say. */
export async function removeProject(tx: Transaction, revoke: Revoke, scope: DomainScope, id: string): Promise<void> {
  const project = await lockProject(tx.sql, id, scope);
  if (project === null) throw notFound(`Could not find project: ${id}.`);
  const children = await listChildren(tx.sql, id);
  if (children.length > 0) throw forbidden(`Cannot delete the project ${id} since it is not a leaf in the hierarchy.`);
  await deleteProjectRow(tx.sql, project);
  revoke(revocationOf.project(id));
  tx.event({
    action: "identity.project.delete",
    target: { type: "project", id, projectId: id },
    detail: { name: project.name },
  });
}
