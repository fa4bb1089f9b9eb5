/** Wire -> use case -> view, for backups. */
import { invalid } from "@andromede/base/errors";

import type { ApiRequest, Reply } from "../../../http/service.ts";
import { validate } from "../../../http/validation.ts";
import { pageLinks, readFilters, readListRequest } from "../common/list-request.ts";
import { toBoolean, toMetadata, trimmed } from "../common/wire.ts";
import type { ActionBody } from "../volumes/volume.schema.ts";
import { BACKUP_SERVICE, exportBackup, importBackup } from "./backup-records.ts";
import { type BackupStatus, SETTABLE_BACKUP_STATUSES } from "./backup.model.ts";
import {
  BACKUP_ACTION_SCHEMAS,
  type BackupAction,
  type CreateBackupBody,
  type ImportBackupBody,
  type RestoreBackupBody,
  type UpdateBackupBody,
} from "./backup.schema.ts";
import { toBackupDetail, toBackupSummary } from "./backup.view.ts";
import { deleteBackup, resetBackup, updateBackup } from "./change-backups.ts";
import { createBackup } from "./create-backup.ts";
import { BACKUP_SORTS, getBackup, readBackups } from "./read-backups.ts";
import { startRestore } from "./restore-backup.ts";

const idOf = (request: Pick<ApiRequest, "params">): string => request.params["backup_id"] ?? "";

async function list(request: ApiRequest, toView: typeof toBackupDetail): Promise<Reply> {
  const asked = readListRequest(request, { sortKeys: BACKUP_SORTS, countSince: 45 });
  const filters = readFilters(request, {
    enabled: ["name", "status", "volume_id"],
    known: ["name", "status", "volume_id", "id", "project_id"],
    like: ["name", "status"],
  });
  const { backups, count } = await readBackups(request, asked, filters);
  return {
    status: 200,
    body: {
      backups: backups.map((backup) => toView(request, backup)),
      ...pageLinks(request, "backup_links", asked, backups),
      ...(count === null ? {} : { count }),
    },
  };
}

export const listBackups = (request: ApiRequest): Promise<Reply> => list(request, toBackupSummary);
export const listBackupsDetail = (request: ApiRequest): Promise<Reply> => list(request, toBackupDetail);

export const showBackup = async (request: ApiRequest): Promise<Reply> => ({
  status: 200,
  body: { backup: toBackupDetail(request, await getBackup(request, idOf(request))) },
});

export async function postBackup(request: ApiRequest<CreateBackupBody>): Promise<Reply> {
  const { backup } = request.body;
  const made = await createBackup(request, {
    volumeId: backup.volume_id,
    snapshotId: backup.snapshot_id ?? null,
    name: trimmed(backup.name) ?? null,
    description: trimmed(backup.description) ?? null,
    metadata: toMetadata(backup.metadata),
    container: trimmed(backup.container) ?? null,
    zone: backup.availability_zone ?? null,
    incremental: toBoolean(backup.incremental),
    force: toBoolean(backup.force),
  });
  return { status: 202, body: { backup: toBackupSummary(request, made) } };
}

export async function putBackup(request: ApiRequest<UpdateBackupBody>): Promise<Reply> {
  const { backup } = request.body;
  const name = trimmed(backup.name);
  const description = trimmed(backup.description);
  const updated = await updateBackup(request, idOf(request), {
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    ...(backup.metadata === undefined ? {} : { metadata: toMetadata(backup.metadata) }),
  });
  return { status: 200, body: { backup: toBackupSummary(request, updated) } };
}

export async function removeBackup(request: ApiRequest): Promise<Reply> {
  await deleteBackup(request, idOf(request), false);
  return { status: 202 };
}

export async function restoreBackup(request: ApiRequest<RestoreBackupBody>): Promise<Reply> {
  const { restore } = request.body;
  const volume = await startRestore(request, idOf(request), {
    name: trimmed(restore?.name) ?? null,
    volumeId: restore?.volume_id ?? null,
  });
  return {
    status: 202,
    body: { restore: { backup_id: idOf(request), volume_id: volume.id, volume_name: volume.name } },
  };
}

export const exportRecord = async (request: ApiRequest): Promise<Reply> => ({
  status: 200,
  body: {
    "backup-record": { backup_service: BACKUP_SERVICE, backup_url: await exportBackup(request, idOf(request)) },
  },
});

export async function importRecord(request: ApiRequest<ImportBackupBody>): Promise<Reply> {
  const { backup_service: service, backup_url: url } = request.body["backup-record"];
  return { status: 201, body: { backup: toBackupSummary(request, await importBackup(request, service, url)) } };
}

export async function actOnBackup(request: ApiRequest<ActionBody>): Promise<Reply> {
  const [name = ""] = Object.keys(request.body);
  if (!Object.hasOwn(BACKUP_ACTION_SCHEMAS, name)) throw invalid(`There is no such action: ${name}`.slice(0, 300));
  const action = name as BackupAction;
  validate(BACKUP_ACTION_SCHEMAS[action], request.body[name]);
  if (action === "os-force_delete") {
    await deleteBackup(request, idOf(request), true);
    return { status: 202 };
  }
  const { status } = request.body[name] as { status: string };
  if (!(SETTABLE_BACKUP_STATUSES as readonly string[]).includes(status)) {
    throw invalid(`Invalid status: '${status}'`.slice(0, 300), { field: "status" });
  }
  await resetBackup(request, idOf(request), status as BackupStatus);
  return { status: 202 };
}
