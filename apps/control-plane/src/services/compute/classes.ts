/** Compute's entries in the registry (architecture.md, rule 8a). */
import { type ResourceClass, nothingOwned, pairId, pairOf } from "../../registry/registry.ts";
import type { ServerAction } from "./actions/action.model.ts";
import { deleteActions, listActions, listServersWithActions } from "./actions/action.queries.ts";
import { deleteFlavorAccess, findFlavor, listFlavorAccess, listFlavorsShared } from "./flavors/flavor.queries.ts";
import { findAggregate } from "./aggregates/aggregate.queries.ts";
import { findHost } from "./hosts/host.queries.ts";
import { findKeypair } from "./keypairs/keypair.queries.ts";
import { deleteProjectUsage, findUsage, isProjectKnown } from "./quotas/project.queries.ts";
import { quotaOf } from "./quotas/quota.model.ts";
import { deleteServerGroup, findServerGroup, listServerGroupIds } from "./server-groups/server-group.queries.ts";
import { removeServerForPurge } from "./servers/purge-server.ts";
import { deleteServerDisk, findServerDisk, listDiskIdsOfProject } from "./volumes/server-disk.queries.ts";
import { findServer, listProjectServerIds } from "./servers/server.queries.ts";

const toExportedAction = ({ action, startedAt, result }: ServerAction): { [key: string]: unknown } => ({
  action,
  at: startedAt.toISOString(),
  result,
});

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
    "settle",
    "snapshot",
    "rebuild",
    "resize",
    "confirmResize",
    "revertResize",
    "migrate",
    "evacuate",
    "rescue",
    "unrescue",
    "shelve",
    "shelveOffload",
    "unshelve",
    "createImage",
    "createBackup",
    "changePassword",
    "trigger_crash_dump",
    "restore",
    "addSecurityGroup",
    "removeSecurityGroup",
    "attach_interface",
    "detach_interface",
    "attach_volume",
    "detach_volume",
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
      actions: actions.map(toExportedAction),
    };
  },
};

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

/** What a project was let in to; goes with the flavor, or with the project. An id is `<flavor>/<project>`. */
const flavorAccess: ResourceClass = {
  name: "compute.flavor_access",
  table: "flavor_access",
  ownerColumn: "project_id",
  deleteOrder: 20,
  meters: [],
  // its events are the flavor's: share, unshare
  verbs: [],
  list: async (app, projectId) =>
    (await listFlavorsShared(app.db, projectId)).map((flavorId) => pairId(flavorId, projectId)),
  async remove(_app, tx, id) {
    const [flavorId, projectId] = pairOf(id);
    if (!(await deleteFlavorAccess(tx.sql, flavorId, projectId))) return;
    tx.event({
      action: "compute.flavor.unshare",
      target: { type: "flavor", id: flavorId, projectId },
      detail: { project_id: projectId },
    });
  },
  async export(app, id) {
    const [flavorId, projectId] = pairOf(id);
    const shared = (await listFlavorAccess(app.db, flavorId)).includes(projectId);
    return shared ? { flavor_id: flavorId, project_id: projectId } : null;
  },
};

/** A user's, not a project's: they go with the user. An id is `<user>/<name>`. */
const keypair: ResourceClass = {
  name: "compute.keypair",
  table: "keypair",
  ownerColumn: null,
  deleteOrder: 900,
  meters: [],
  verbs: ["create", "import", "delete"],
  list: nothingOwned,
  async export(app, id) {
    const found = await findKeypair(app.db, ...pairOf(id));
    if (found === null) return null;
    const { name, type, publicKey, fingerprint, createdAt } = found;
    return { name, type, public_key: publicKey, fingerprint, created_at: createdAt.toISOString() };
  },
};

/** A project's limits and counters. */
const quota: ResourceClass = {
  name: "compute.quota",
  table: "compute_project",
  ownerColumn: "project_id",
  // after the servers, which give back to it what they used
  deleteOrder: 990,
  meters: [],
  verbs: ["update", "delete"],
  list: async (app, projectId) => ((await isProjectKnown(app.db, projectId)) ? [projectId] : []),
  async remove(_app, tx, projectId) {
    await deleteProjectUsage(tx.sql, projectId);
    tx.event({ action: "compute.quota.delete", target: { type: "quota", id: projectId, projectId } });
  },
  export: async (app, id) => quotaOf((await findUsage(app.db, id)).quota),
};

const host: ResourceClass = {
  name: "compute.host",
  table: "compute_host",
  ownerColumn: null,
  deleteOrder: 999,
  meters: [],
  verbs: ["enable", "disable", "force_down", "trust", "delete"],
  list: nothingOwned,
  async export(app, name) {
    const found = await findHost(app.db, { name });
    if (found === null) return null;
    return { name: found.name, availability_zone: found.availabilityZone, disabled: found.disabled };
  },
};

/** What is known of a server's disks; the volumes are the volume service's. */
const serverDisk: ResourceClass = {
  name: "compute.server_disk",
  table: "server_disk",
  ownerColumn: "project_id",
  // after the servers, with which they go
  deleteOrder: 11,
  meters: [],
  // its events are the server's and the volume's
  verbs: [],
  list: (app, projectId) => listDiskIdsOfProject(app.db, projectId),
  remove: (_app, tx, id) => deleteServerDisk(tx.sql, id),
  async export(app, id) {
    const found = await findServerDisk(app.db, id);
    if (found === null) return null;
    const { serverId, volumeId, sizeGib, deviceName, bootIndex, tag, deleteOnTermination } = found;
    return {
      id,
      server_id: serverId,
      volume_id: volumeId,
      size_gib: sizeGib,
      device: deviceName,
      boot_index: bootIndex,
      tag,
      delete_on_termination: deleteOnTermination,
    };
  },
};

/** Members are servers' rows that go with either. */
const serverGroup: ResourceClass = {
  name: "compute.server_group",
  table: "server_group",
  ownerColumn: "project_id",
  // after the servers
  deleteOrder: 20,
  meters: [],
  verbs: ["create", "delete"],
  list: (app, projectId) => listServerGroupIds(app.db, projectId),
  async remove(_app, tx, id) {
    const projectId = await deleteServerGroup(tx.sql, id, null);
    if (projectId === null) return;
    tx.event({ action: "compute.server_group.delete", target: { type: "server_group", id, projectId } });
  },
  async export(app, id) {
    const found = await findServerGroup(app.db, id, null);
    if (found === null) return null;
    const { name, policy, maxServerPerHost, members, createdAt } = found;
    return { id, name, policy, max_server_per_host: maxServerPerHost, members, created_at: createdAt.toISOString() };
  },
};

/** The operator's. */
const aggregate: ResourceClass = {
  name: "compute.aggregate",
  table: "aggregate",
  ownerColumn: null,
  deleteOrder: 998,
  meters: [],
  verbs: ["create", "update", "delete", "add_host", "remove_host"],
  list: nothingOwned,
  async export(app, id) {
    const found = /^\d{1,15}$/.test(id) ? await findAggregate(app.db, Number(id)) : null;
    if (found === null) return null;
    const { uuid, name, availabilityZone, metadata, hosts } = found;
    return { id: found.id, uuid, name, availability_zone: availabilityZone, metadata, hosts };
  },
};

/** What was done to a server, by the server's id: kept when the server is gone, until the project goes. */
const action: ResourceClass = {
  name: "compute.action",
  table: "server_action",
  ownerColumn: "project_id",
  deleteOrder: 980,
  meters: [],
  // they are a reading of what the log holds, and make no events of their own
  verbs: [],
  list: (app, projectId) => listServersWithActions(app.db, projectId),
  remove: (_app, tx, serverId) => deleteActions(tx.sql, serverId),
  async export(app, serverId) {
    const actions = (await listActions(app.db, serverId, { limit: 1000 })) ?? [];
    return actions.length === 0 ? null : { server_id: serverId, actions: actions.map(toExportedAction) };
  },
};

/** Goes with its server within minutes; there is nothing in it but a secret. */
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

export const computeClasses: ResourceClass[] = [
  server,
  flavor,
  flavorAccess,
  keypair,
  quota,
  host,
  serverDisk,
  serverGroup,
  aggregate,
  action,
  consoleToken,
];
