/** Volumes' entries in the registry (architecture.md, rule 8a). */
import type { App } from "../../app.ts";
import type { Transaction } from "../../db/transaction.ts";
import { type ResourceClass, nothingOwned, pairId, pairOf } from "../../registry/registry.ts";
import { findAttachment, listProjectAttachments } from "./attachments/attachment.queries.ts";
import { endAttachment } from "./attachments/change-attachments.ts";
import { findBackup, listProjectBackupIds } from "./backups/backup.queries.ts";
import { removeBackupForPurge } from "./backups/change-backups.ts";
import { removeGroupSnapshotForPurge } from "./group-snapshots/change-group-snapshots.ts";
import { findGroupSnapshot, listProjectGroupSnapshotIds } from "./group-snapshots/group-snapshot.queries.ts";
import { findGroupType } from "./group-types/group-type.queries.ts";
import { removeGroupForPurge } from "./groups/change-groups.ts";
import { findGroup, listProjectGroupIds } from "./groups/group.queries.ts";
import { findVolumeHost } from "./hosts/host.queries.ts";
import { deleteMessageRow, findMessage, listProjectMessageIds } from "./messages/message.queries.ts";
import { quotaCells, toLimits } from "./quotas/quota.view.ts";
import { deleteProjectUsage, findQuotaClass, findUsage, isProjectKnown } from "./quotas/quota.queries.ts";
import { removeSnapshotForPurge } from "./snapshots/change-snapshots.ts";
import { findSnapshot, listProjectSnapshotIds } from "./snapshots/snapshot.queries.ts";
import { findTransfer, listProjectTransfers } from "./transfers/transfer.queries.ts";
import { withdraw } from "./transfers/use-transfers.ts";
import { findQos } from "./types/qos.queries.ts";
import {
  deleteAccess,
  deleteDefaultType,
  findType,
  listAccess,
  listDefaultTypes,
  listTypesShared,
} from "./types/type.queries.ts";
import { deleteUploadRow, findUpload, listUploadIds } from "./uploads/upload.queries.ts";
import { removeVolumeForPurge } from "./volumes/delete-volume.ts";
import { findVolume, listProjectVolumeIds } from "./volumes/volume.queries.ts";

const volume: ResourceClass = {
  name: "volume.volume",
  table: "volume",
  ownerColumn: "project_id",
  deleteOrder: 50,
  meters: [{ name: "volume.size", unit: "GiB·h" }],
  verbs: [
    "create",
    "update",
    "delete",
    "gone",
    "fail",
    "attach",
    "detach",
    "extend",
    "retype",
    "revert",
    "reimage",
    "restore",
    "reset",
    "upload",
    "transfer",
  ],
  list: (app, projectId) => listProjectVolumeIds(app.db, projectId),
  remove: removeVolumeForPurge,
  async export(app, id) {
    const found = await findVolume(app.db, id, null);
    if (found === null) return null;
    return {
      id: found.id,
      name: found.name,
      description: found.description,
      size_gib: found.sizeGib,
      volume_type: found.volumeTypeName,
      status: found.status,
      bootable: found.bootable,
      availability_zone: found.availabilityZone,
      metadata: found.metadata,
      image_metadata: found.imageMetadata,
      snapshot_id: found.snapshotId,
      source_volume_id: found.sourceVolumeId,
      created_at: found.createdAt.toISOString(),
      attachments: found.attachments.map(({ serverId, device }) => ({ server_id: serverId, device })),
    };
  },
};

const snapshot: ResourceClass = {
  name: "volume.snapshot",
  table: "snapshot",
  ownerColumn: "project_id",
  deleteOrder: 45,
  meters: [{ name: "snapshot.size", unit: "GiB·h" }],
  verbs: ["create", "update", "delete", "gone", "fail", "reset"],
  list: (app, projectId) => listProjectSnapshotIds(app.db, projectId),
  remove: removeSnapshotForPurge,
  async export(app, id) {
    const found = await findSnapshot(app.db, id, null);
    if (found === null) return null;
    return {
      id: found.id,
      name: found.name,
      description: found.description,
      volume_id: found.volumeId,
      size_gib: found.sizeGib,
      status: found.status,
      metadata: found.metadata,
      created_at: found.createdAt.toISOString(),
    };
  },
};

const backup: ResourceClass = {
  name: "volume.backup",
  table: "backup",
  ownerColumn: "project_id",
  deleteOrder: 44,
  meters: [{ name: "backup.size", unit: "GiB·h" }],
  verbs: ["create", "import", "update", "restore", "delete", "gone", "fail", "reset"],
  list: (app, projectId) => listProjectBackupIds(app.db, projectId),
  remove: removeBackupForPurge,
  async export(app, id) {
    const found = await findBackup(app.db, id, null);
    if (found === null) return null;
    return {
      id: found.id,
      name: found.name,
      description: found.description,
      volume_id: found.volumeId,
      snapshot_id: found.snapshotId,
      parent_id: found.parentId,
      size_gib: found.sizeGib,
      status: found.status,
      metadata: found.metadata,
      data_timestamp: found.dataTimestamp.toISOString(),
      created_at: found.createdAt.toISOString(),
    };
  },
};

/** What servers leave behind when they go; what nobody else gave back is given back here. */
const attachment: ResourceClass = {
  name: "volume.attachment",
  table: "volume_attachment",
  ownerColumn: "project_id",
  deleteOrder: 30,
  meters: [],
  verbs: ["create", "update", "complete", "delete"],
  list: (app, projectId) => listProjectAttachments(app.db, projectId),
  remove: (_app, tx, id) => endAttachment(tx, id),
  async export(app, id) {
    const found = await findAttachment(app.db, id, null);
    if (found === null) return null;
    const { volumeId, serverId, device, mode, status } = found;
    return { id, volume_id: volumeId, server_id: serverId, device, mode, status };
  },
};

const transfer: ResourceClass = {
  name: "volume.transfer",
  table: "volume_transfer",
  ownerColumn: "project_id",
  deleteOrder: 40,
  meters: [],
  verbs: ["create", "accept", "delete"],
  list: (app, projectId) => listProjectTransfers(app.db, projectId),
  async remove(app, tx, id) {
    const found = await findTransfer(tx.sql, id, null);
    if (found !== null) await withdraw(tx, found, new Date(app.clock.now()));
  },
  async export(app, id) {
    const found = await findTransfer(app.db, id, null);
    return found === null ? null : { id, name: found.name, volume_id: found.volumeId };
  },
};

/** A volume's way to the image service; its events are the volume's. */
const upload: ResourceClass = {
  name: "volume.upload",
  table: "volume_upload",
  ownerColumn: "project_id",
  deleteOrder: 40,
  meters: [],
  verbs: [],
  list: (app, projectId) => listUploadIds(app.db, projectId),
  remove: (_app, tx, id) => deleteUploadRow(tx.sql, id),
  async export(app, id) {
    const found = await findUpload(app.db, id);
    return found === null ? null : { id, volume_id: found.volumeId, image_id: found.imageId, format: found.format };
  },
};

const message: ResourceClass = {
  name: "volume.message",
  table: "volume_message",
  ownerColumn: "project_id",
  deleteOrder: 985,
  meters: [],
  verbs: ["delete"],
  list: (app, projectId) => listProjectMessageIds(app.db, projectId),
  async remove(_app, tx, id) {
    const found = await findMessage(tx.sql, id, null);
    if (found === null) return;
    await deleteMessageRow(tx.sql, id);
    tx.event({ action: "volume.message.delete", target: { type: "message", id, projectId: found.projectId } });
  },
  async export(app, id) {
    const found = await findMessage(app.db, id, null);
    if (found === null) return null;
    return { id, about: found.resourceId, text: found.text, at: found.createdAt.toISOString() };
  },
};

/** Its volumes go with it, as far as they have not gone before. */
const group: ResourceClass = {
  name: "volume.group",
  table: "volume_group",
  ownerColumn: "project_id",
  deleteOrder: 48,
  meters: [],
  verbs: ["create", "update", "delete", "gone", "fail", "reset"],
  list: (app, projectId) => listProjectGroupIds(app.db, projectId),
  remove: removeGroupForPurge,
  async export(app, id) {
    const found = await findGroup(app.db, id, null);
    if (found === null) return null;
    return {
      id: found.id,
      name: found.name,
      description: found.description,
      status: found.status,
      group_type_id: found.groupTypeId,
      volume_types: found.volumeTypeIds,
      availability_zone: found.availabilityZone,
      created_at: found.createdAt.toISOString(),
    };
  },
};

const groupSnapshot: ResourceClass = {
  name: "volume.group_snapshot",
  table: "volume_group_snapshot",
  ownerColumn: "project_id",
  deleteOrder: 43,
  // its snapshots are metered
  meters: [],
  verbs: ["create", "delete", "gone", "fail", "reset"],
  list: (app, projectId) => listProjectGroupSnapshotIds(app.db, projectId),
  remove: removeGroupSnapshotForPurge,
  async export(app, id) {
    const found = await findGroupSnapshot(app.db, id, null);
    if (found === null) return null;
    const { name, description, groupId, status } = found;
    return { id, name, description, group_id: groupId, status, created_at: found.createdAt.toISOString() };
  },
};

/** The operator's; customers own none. */
const groupType: ResourceClass = {
  name: "volume.group_type",
  table: "volume_group_type",
  ownerColumn: null,
  deleteOrder: 905,
  meters: [],
  verbs: ["create", "update", "delete"],
  list: nothingOwned,
  async export(app, id) {
    const found = await findGroupType(app.db, id, { onlyPublic: false });
    if (found === null) return null;
    const { name, description, isPublic, groupSpecs } = found;
    return { id, name, description, is_public: isPublic, group_specs: groupSpecs };
  },
};

/** The operator's; customers own none. */
const volumeType: ResourceClass = {
  name: "volume.type",
  table: "volume_type",
  ownerColumn: null,
  deleteOrder: 900,
  meters: [],
  verbs: ["create", "update", "delete", "share", "unshare"],
  list: nothingOwned,
  async export(app, id) {
    const found = await findType(app.db, id, null);
    if (found === null) return null;
    const { name, description, isPublic, extraSpecs } = found;
    return { id, name, description, is_public: isPublic, extra_specs: extraSpecs };
  },
};

/** What a project was let in to; goes with the type, or with the project. An id is `<type>/<project>`. */
const typeAccess: ResourceClass = {
  name: "volume.type_access",
  table: "volume_type_access",
  ownerColumn: "project_id",
  deleteOrder: 60,
  meters: [],
  // its events are the type's: share, unshare
  verbs: [],
  list: async (app, projectId) => (await listTypesShared(app.db, projectId)).map((typeId) => pairId(typeId, projectId)),
  async remove(_app: App, tx: Transaction, id: string) {
    const [typeId, projectId] = pairOf(id);
    if (!(await deleteAccess(tx.sql, typeId, projectId))) return;
    tx.event({
      action: "volume.type.unshare",
      target: { type: "volume_type", id: typeId, projectId },
      detail: { project_id: projectId },
    });
  },
  async export(app, id) {
    const [typeId, projectId] = pairOf(id);
    const shared = (await listAccess(app.db, typeId)).includes(projectId);
    return shared ? { volume_type_id: typeId, project_id: projectId } : null;
  },
};

const qosSpecs: ResourceClass = {
  name: "volume.qos_specs",
  table: "qos_specs",
  ownerColumn: null,
  deleteOrder: 910,
  meters: [],
  verbs: ["create", "update", "delete", "associate", "disassociate"],
  list: nothingOwned,
  export: async (app, id) => findQos(app.db, id),
};

const defaultType: ResourceClass = {
  name: "volume.default_type",
  table: "default_volume_type",
  ownerColumn: "project_id",
  deleteOrder: 60,
  meters: [],
  verbs: ["update", "delete"],
  list: async (app, projectId) => (await listDefaultTypes(app.db, projectId)).map((one) => one.projectId),
  async remove(_app, tx, projectId) {
    if (!(await deleteDefaultType(tx.sql, projectId))) return;
    tx.event({
      action: "volume.default_type.delete",
      target: { type: "default_volume_type", id: projectId, projectId },
    });
  },
  async export(app, projectId) {
    const [found] = await listDefaultTypes(app.db, projectId);
    return found === undefined ? null : { volume_type_id: found.volumeTypeId };
  },
};

/** A project's limits and counters. */
const quota: ResourceClass = {
  name: "volume.quota",
  table: "volume_project",
  ownerColumn: "project_id",
  // after the volumes, which give back to it what they used
  deleteOrder: 990,
  meters: [],
  verbs: ["update", "delete"],
  list: async (app, projectId) => ((await isProjectKnown(app.db, projectId)) ? [projectId] : []),
  async remove(_app, tx, projectId) {
    await deleteProjectUsage(tx.sql, projectId);
    tx.event({ action: "volume.quota.delete", target: { type: "quota", id: projectId, projectId } });
  },
  export: async (app, id) => toLimits(quotaCells([], await findUsage(app.db, id))),
};

const quotaClass: ResourceClass = {
  name: "volume.quota_class",
  table: "volume_quota_class",
  ownerColumn: null,
  deleteOrder: 995,
  meters: [],
  verbs: ["update"],
  list: nothingOwned,
  async export(app, name) {
    const found = await findQuotaClass(app.db, name);
    return Object.keys(found).length === 0 ? null : found;
  },
};

const host: ResourceClass = {
  name: "volume.host",
  table: "volume_host",
  ownerColumn: null,
  deleteOrder: 999,
  meters: [],
  verbs: ["enable", "disable", "freeze", "thaw"],
  list: nothingOwned,
  async export(app, name) {
    const found = await findVolumeHost(app.db, name);
    return found === null ? null : { name, availability_zone: found.availabilityZone, disabled: found.disabled };
  },
};

export const volumeClasses: ResourceClass[] = [
  volume,
  snapshot,
  group,
  groupSnapshot,
  groupType,
  backup,
  attachment,
  transfer,
  upload,
  message,
  volumeType,
  typeAccess,
  qosSpecs,
  defaultType,
  quota,
  quotaClass,
  host,
];
