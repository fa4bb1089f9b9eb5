/**
 * What is known of a backup, as a text that an operator may keep elsewhere. Its key is in it as it is in the database:
 * wrapped by its project's key. Only the cloud that has that key can take the record in again.
 */
import { invalid } from "@andromede/base/errors";
import { parseJson } from "@andromede/base/json";

import { transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { validate } from "../../../http/validation.ts";
import { MAX_INT, metadataSchema, nameSchema, uuidSchema } from "../common/wire.ts";
import { takeQuota } from "../quotas/take-quota.ts";
import { type Backup, backupKeyName, backupTarget } from "./backup.model.ts";
import { findBackup, findBackupKey, insertBackup, lockBackup } from "./backup.queries.ts";
import { getBackup, noBackup } from "./read-backups.ts";

/** Who can read the record. */
export const BACKUP_SERVICE = "andromede.backups";

type BackupRecord = {
  id: string;
  project_id: string;
  user_id: string;
  volume_id: string;
  snapshot_id: string | null;
  parent_id: string | null;
  name: string | null;
  description: string | null;
  container: string;
  availability_zone: string | null;
  pool: string | null;
  size: number;
  metadata: { [key: string]: string };
  key_id: string;
  wrapped_key: string;
  data_timestamp: string;
};

const text = { type: "string", minLength: 1, maxLength: 255 } as const;
const textOrNull = { type: ["string", "null"], maxLength: 255 } as const;
const fields = {
  id: { type: "string", pattern: "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$" },
  project_id: text,
  user_id: text,
  volume_id: uuidSchema,
  snapshot_id: textOrNull,
  parent_id: textOrNull,
  name: nameSchema,
  description: nameSchema,
  container: text,
  availability_zone: textOrNull,
  pool: textOrNull,
  size: { type: "integer", minimum: 1, maximum: MAX_INT },
  metadata: { ...metadataSchema, additionalProperties: { type: "string", maxLength: 255 } },
  key_id: text,
  wrapped_key: { type: "string", minLength: 1, maxLength: 1024, pattern: "^[A-Za-z0-9+/]+={0,2}$" },
  data_timestamp: {
    type: "string",
    pattern: "^20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]\\.[0-9]{3}Z$",
  },
} as const;
const recordSchema = {
  type: "object",
  required: Object.keys(fields),
  additionalProperties: false,
  properties: fields,
} as const;

export async function exportBackup(request: ApiRequest, id: string): Promise<string> {
  const backup = await getBackup(request, id);
  if (backup.status !== "available")
    throw invalid("Invalid backup: Backup status must be available and not " + backup.status + ".");
  const key = await findBackupKey(request.app.db, id);
  if (key === null) throw noBackup(id);
  const record: BackupRecord = {
    id,
    project_id: backup.projectId,
    user_id: backup.userId,
    volume_id: backup.volumeId,
    snapshot_id: backup.snapshotId,
    parent_id: backup.parentId,
    name: backup.name,
    description: backup.description,
    container: backup.container,
    availability_zone: backup.availabilityZone,
    pool: backup.pool,
    size: backup.sizeGib,
    metadata: backup.metadata,
    key_id: backup.keyId,
    wrapped_key: key.wrappedKey.toString("base64"),
    data_timestamp: backup.dataTimestamp.toISOString(),
  };
  return Buffer.from(JSON.stringify(record)).toString("base64");
}

const unreadable = (cause?: unknown) =>
  invalid("Invalid input received: Can't parse backup record.", cause === undefined ? {} : { cause });

function readRecord(url: string): BackupRecord {
  let parsed: unknown;
  try {
    parsed = parseJson(Buffer.from(url, "base64").toString("utf8"), "a backup record");
  } catch (cause) {
    throw unreadable(cause);
  }
  validate(recordSchema, parsed);
  const record = parsed as BackupRecord;
  if (Number.isNaN(Date.parse(record.data_timestamp)) || JSON.stringify(record).includes("\\u0000")) throw unreadable();
  return record;
}

/** The backup is there again, once an agent has seen that its bytes are. */
export async function importBackup(request: ApiRequest, service: string, url: string): Promise<Backup> {
  const { app } = request;
  if (service !== BACKUP_SERVICE) {
    throw invalid(`Invalid input received: Backup service ${service.slice(0, 200)} is not one of this cloud's.`);
  }
  const record = readRecord(url);
  const { id, project_id: projectId } = record;
  const wrappedKey = Buffer.from(record.wrapped_key, "base64");
  await app.keys.unwrapForProject(app.db, projectId, wrappedKey, backupKeyName(id)).catch((cause: unknown) => {
    throw invalid("Invalid backup: Its key is not of this cloud, or of a project that has ended.", { cause });
  });
  return transact(app, request.origin, async (tx) => {
    const { parent_id: parentId } = record;
    const parent = parentId === null ? null : await lockBackup(tx.sql, parentId, projectId);
    if (parentId !== null && (parent === null || parent.deleting))
      throw invalid(`Invalid backup: Its parent ${parentId} must be imported first.`);
    await takeQuota(tx, projectId, { backups: 1, backup_gigabytes: record.size });
    // the project's row is held: nobody else imports the same meanwhile
    if ((await findBackup(tx.sql, id, null)) !== null)
      throw invalid("Invalid backup: Backup already exists in database.");
    const row = {
      id,
      projectId,
      userId: record.user_id,
      volumeId: record.volume_id,
      snapshotId: record.snapshot_id,
      parentId,
      name: record.name,
      description: record.description,
      container: record.container,
      availabilityZone: record.availability_zone,
      sizeGib: record.size,
      metadata: record.metadata,
      wrappedKey,
      keyId: record.key_id,
      dataTimestamp: new Date(record.data_timestamp),
      imported: true,
      pool: record.pool,
    };
    await insertBackup(tx.sql, row, new Date(app.clock.now()));
    tx.event({ action: "volume.backup.import", target: backupTarget(row), detail: { volume_id: row.volumeId } });
    tx.enqueue(`volume_backup/${id}`);
    const made = await findBackup(tx.sql, id, null);
    if (made === null) throw new Error(`backup ${id} is not there`);
    return made;
  });
}
