import { findProjectKey } from "@andromede/platform/keys/keys.queries";

import type { ResourceClass } from "../registry/registry.ts";

/** A project's key goes last, and everything it wrapped with it. The row stays, without the key: it says when. */
export const keyClasses: ResourceClass[] = [
  {
    name: "keys.project_key",
    table: "project_key",
    ownerColumn: "project_id",
    deleteOrder: 2000,
    meters: [],
    verbs: ["destroy"],
    async list(app, projectId) {
      const key = await findProjectKey(app.db, projectId);
      return key === undefined || key.destroyedAt !== null ? [] : [projectId];
    },
    async remove(app, tx, projectId) {
      await app.keys.destroyProjectKey(tx.sql, projectId);
      tx.event({ action: "keys.project_key.destroy", target: { type: "project_key", id: projectId, projectId } });
    },
    async export(app, projectId) {
      const key = await findProjectKey(app.db, projectId);
      return key === undefined ? null : { id: key.id, destroyed_at: key.destroyedAt?.toISOString() ?? null };
    },
  },
];
