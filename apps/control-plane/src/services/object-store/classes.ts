/** Classes of what apps/object-store keeps: it serves them, the control plane lists, exports and purges them. */
import { conflict } from "@andromede/base/errors";

import { type ResourceClass, nothingOwned, pairId, pairOf } from "../../registry/registry.ts";
import { accountExport, containerExport, objectExport } from "./object-store.model.ts";
import {
  deleteAccount,
  deleteKey,
  findAccount,
  findContainer,
  findCurrentObject,
  findKey,
  findObjectLock,
  isMetered,
  listContainerIds,
  listKeyNames,
  lockContainer,
  markRemoved,
} from "./object-store.queries.ts";

/** Ids are numbers of ours: any other text names nothing. */
const numberOf = (id: string): number => (/^\d{1,15}$/.test(id) ? Number(id) : -1);

const container: ResourceClass = {
  name: "object.container",
  table: "object_container",
  ownerColumn: "project_id",
  // volume backups and images may lie in it
  deleteOrder: 80,
  meters: [
    { name: "object.bytes", unit: "GiB-hour" },
    { name: "object.objects", unit: "object-hour" },
  ],
  verbs: ["create", "update", "delete"],
  list: async (app, projectId) => (await listContainerIds(app.db, projectId)).map(String),
  async remove(_app, tx, id) {
    const found = await findContainer(tx.sql, numberOf(id));
    if (found === null) return;
    if (found.removedAt === null) {
      await lockContainer(tx.sql, found.id);
      // what was promised to be kept is kept, whoever asks: the project's purge waits
      const locked = await findObjectLock(tx.sql, found.id);
      if (locked !== null) throw conflict(`Container ${found.name} holds objects that are locked: ${locked}`);
      await markRemoved(tx.sql, found.id);
      tx.event({
        action: "object.container.delete",
        target: { type: "container", id: found.name, projectId: found.projectId },
        detail: { objects: found.objects, bytes: found.bytes },
      });
    }
    tx.enqueue(`object-container/${id}`);
  },
  async export(app, id) {
    const found = await findContainer(app.db, numberOf(id));
    return found === null ? null : containerExport(found);
  },
};

const account: ResourceClass = {
  name: "object.account",
  table: "object_account",
  ownerColumn: "project_id",
  // after its containers
  deleteOrder: 90,
  meters: [
    { name: "object.requests", unit: "request" },
    { name: "object.bytes_in", unit: "GiB" },
    { name: "object.bytes_out", unit: "GiB" },
  ],
  verbs: ["update", "delete"],
  async list(app, projectId) {
    const found = await Promise.all([findAccount(app.db, projectId), isMetered(app.db, projectId)]);
    return found[0] !== null || found[1] ? [projectId] : [];
  },
  async remove(_app, tx, projectId) {
    if (await deleteAccount(tx.sql, projectId))
      tx.event({ action: "object.account.delete", target: { type: "account", id: projectId, projectId } });
  },
  async export(app, projectId) {
    const found = await findAccount(app.db, projectId);
    return found === null ? null : accountExport(found);
  },
};

/** Named keys (SSE-KMS). The key itself is never shown: it goes where the project's key goes. */
const key: ResourceClass = {
  name: "object.key",
  table: "object_key",
  ownerColumn: "project_id",
  // after what is sealed with it
  deleteOrder: 90,
  meters: [],
  verbs: ["create", "delete"],
  list: async (app, projectId) => (await listKeyNames(app.db, projectId)).map((name) => pairId(projectId, name)),
  async remove(_app, tx, id) {
    const [projectId, name] = pairOf(id);
    if (await deleteKey(tx.sql, projectId, name))
      tx.event({ action: "object.key.delete", target: { type: "key", id: name, projectId } });
  },
  async export(app, id) {
    const [projectId, name] = pairOf(id);
    const found = await findKey(app.db, projectId, name);
    return found === null ? null : { name, created_at: found.createdAt.toISOString() };
  },
};

/** Millions in a container: they are listed, exported and removed over the store's own APIs, and go with it. */
const object: ResourceClass = {
  name: "object.object",
  table: "object",
  ownerColumn: null,
  deleteOrder: 80,
  meters: [],
  verbs: ["create", "update", "delete"],
  list: nothingOwned,
  async export(app, id) {
    const [containerId, name] = pairOf(id);
    const found = await findCurrentObject(app.db, numberOf(containerId), name);
    return found === null ? null : objectExport(found);
  },
};

export const objectStoreClasses: ResourceClass[] = [container, account, key, object];
