/** Changes of a server's own fields: names, metadata, tags. */
import { forbidden, invalid, notFound } from "@andromede/base/errors";

import { transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { findUsage } from "../quotas/project.queries.ts";
import { quotaOf } from "../quotas/quota.model.ts";
import { checkLock } from "./change-power.ts";
import { getServerLocked } from "./read-servers.ts";
import { type Server, type ServerChanges, type VmState, checkNoTask } from "./server.model.ts";
import { updateServerRow } from "./server.queries.ts";

const MAX_TAGS = 50;
const BUILT: readonly VmState[] = ["active", "paused", "suspended", "stopped"];

type Metadata = { [key: string]: string };

/** PUT of a server: what the guest knows of itself (name, host name) is sent to it anew. */
export async function updateServer(request: ApiRequest, id: string, changes: ServerChanges): Promise<Server> {
  const at = new Date(request.app.clock.now());
  return transact(request.app, request.origin, async (tx) => {
    const server = await getServerLocked(tx.sql, request, id);
    if (Object.keys(changes).length === 0) return server;
    const bump = changes.name !== undefined || changes.hostname !== undefined;
    await updateServerRow(tx.sql, server.id, changes, { bump, at });
    tx.event({
      action: "compute.server.update",
      target: { type: "server", id: server.id, projectId: server.projectId },
      detail: { fields: Object.keys(changes) },
    });
    if (bump) tx.enqueue(`server/${server.id}`);
    return { ...server, ...changes, updatedAt: at };
  });
}

/** `change` sees the metadata as it is under the lock and says what it becomes. */
export async function changeMetadata(
  request: ApiRequest,
  id: string,
  change: (current: Metadata) => Metadata,
): Promise<Metadata> {
  const at = new Date(request.app.clock.now());
  return transact(request.app, request.origin, async (tx) => {
    const server = await getServerLocked(tx.sql, request, id);
    checkLock(request, server);
    checkNoTask(server.id, server, "update metadata", BUILT);
    const metadata = change(server.metadata);
    const limit = quotaOf((await findUsage(tx.sql, server.projectId)).quota).metadata_items;
    if (limit >= 0 && Object.keys(metadata).length > limit)
      throw forbidden(`Maximum number of metadata items exceeds ${limit}`);
    await updateServerRow(tx.sql, server.id, { metadata }, { bump: true, at });
    tx.event({
      action: "compute.server.update",
      target: { type: "server", id: server.id, projectId: server.projectId },
      detail: { fields: ["metadata"] },
    });
    tx.enqueue(`server/${server.id}`);
    return metadata;
  });
}

export const noSuchItem = (): Error => notFound("Metadata item was not found");

/** As `changeMetadata`, for tags. The guest does not see them. */
export async function changeTags(
  request: ApiRequest,
  id: string,
  change: (current: string[]) => string[],
): Promise<{ before: string[]; after: string[] }> {
  const at = new Date(request.app.clock.now());
  return transact(request.app, request.origin, async (tx) => {
    const server = await getServerLocked(tx.sql, request, id);
    checkNoTask(server.id, server, "update tags", BUILT);
    const after = [...new Set(change(server.tags))];
    if (after.length > MAX_TAGS) throw invalid(`The number of tags exceeded the per-server limit ${MAX_TAGS}`);
    await updateServerRow(tx.sql, server.id, { tags: after }, { bump: false, at });
    tx.event({
      action: "compute.server.update",
      target: { type: "server", id: server.id, projectId: server.projectId },
      detail: { fields: ["tags"] },
    });
    return { before: server.tags, after };
  });
}
