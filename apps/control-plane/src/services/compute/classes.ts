/** Compute's entries in the registry (architecture.md, rule 8a). */
import type { ResourceClass } from "../../registry/registry.ts";
import { removeServerForPurge } from "./servers/purge-server.ts";
import { findServer, listProjectServerIds } from "./servers/server.queries.ts";
import { findFlavor } from "./flavors/flavor.queries.ts";
import { findUsage } from "./quotas/project.queries.ts";
import { quotaOf } from "./quotas/quota.model.ts";
import { listActions } from "./actions/action.queries.ts";

const server: ResourceClass = {
  name: "compute.server",
  table: "server",
  ownerColumn: "project_id",
  deleteOrder: 10,
  meters: [
    { name: "server.vcpu", unit: "vCPU·h" },
    { name: "server.memory", unit: "MiB·h" },
    { name: "server.disk", unit: "GiB·h" },
  ],
  verbs: [
    "create",
    "update",
    "delete",
    "gone",
    "fail",
    "start",
    "stop",
    "reboot",
    "pause",
    "unpause",
    "suspend",
    "resume",
    "lock",
    "unlock",
    "resetState",
    "addSecurityGroup",
    "removeSecurityGroup",
    "attach_interface",
    "detach_interface",
  ],
  list: (app, projectId) => listProjectServerIds(app.db, projectId),
  remove: removeServerForPurge,
  async export(app, id) {
    const found = await findServer(app.db, id);
    if (found === null) return null;
    const actions = (await listActions(app.db, id, { limit: 1000 })) ?? [];
    return {
      id: found.id,
      name: found.name,
      hostname: found.hostname,
      description: found.description,
      flavor: found.flavor,
      image_id: found.imageId,
      key_name: found.keyName,
      user_data: found.userData,
      metadata: found.metadata,
      tags: found.tags,
      availability_zone: found.availabilityZone,
      created_at: found.createdAt.toISOString(),
      actions: actions.map(({ action, startedAt, result }) => ({ action, at: startedAt.toISOString(), result })),
    };
  },
};

const nothingOwned = (): Promise<string[]> => Promise.resolve([]);

/** The operator's; customers own none. */
const flavor: ResourceClass = {
  name: "compute.flavor",
  table: "flavor",
  ownerColumn: null,
  deleteOrder: 900,
  meters: [],
  verbs: ["create", "update", "delete", "share", "unshare"],
  list: nothingOwned,
  async export(app, id) {
    const found = await findFlavor(app.db, id, null);
    return found === null
      ? null
      : { ...found, createdAt: found.createdAt.toISOString(), updatedAt: found.updatedAt?.toISOString() ?? null };
  },
};

/** A user's, not a project's: they go with the user. */
const keypair: ResourceClass = {
  name: "compute.keypair",
  table: "keypair",
  ownerColumn: null,
  deleteOrder: 900,
  meters: [],
  verbs: ["create", "import", "delete"],
  list: nothingOwned,
  export: () => Promise.resolve(null),
};

/** A project's limits and counters. */
const quota: ResourceClass = {
  name: "compute.quota",
  table: "compute_project",
  ownerColumn: "project_id",
  deleteOrder: 990,
  meters: [],
  verbs: ["update", "delete"],
  list: (_app, projectId) => Promise.resolve([projectId]),
  export: async (app, id) => quotaOf((await findUsage(app.db, id)).quota),
};

const host: ResourceClass = {
  name: "compute.host",
  table: "compute_host",
  ownerColumn: null,
  deleteOrder: 999,
  meters: [],
  verbs: ["enable", "disable"],
  list: nothingOwned,
  export: () => Promise.resolve(null),
};

/** What was done to servers; kept when they are gone. */
const action: ResourceClass = {
  name: "compute.action",
  table: "server_action",
  ownerColumn: "project_id",
  deleteOrder: 980,
  meters: [],
  verbs: [],
  list: nothingOwned,
  export: () => Promise.resolve(null),
};

const consoleToken: ResourceClass = {
  name: "compute.console",
  table: "console_token",
  ownerColumn: null,
  deleteOrder: 10,
  meters: [],
  verbs: ["grant", "open"],
  list: nothingOwned,
  export: () => Promise.resolve(null),
};

export const computeClasses: ResourceClass[] = [server, flavor, keypair, quota, host, action, consoleToken];
