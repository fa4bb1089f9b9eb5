/** What may be sent about backups (Block Storage API v3, "Backups"). Pure. */
import {
  type MetadataInput,
  booleanSchema,
  descriptionSchema,
  nameSchema,
  nullableMetadataSchema,
  nullableUuidSchema,
  wrapped,
} from "../common/wire.ts";

const word = { type: ["string", "null"], minLength: 1, maxLength: 255 } as const;
const createFields = {
  volume_id: { type: "string", maxLength: 255 },
  container: word,
  description: descriptionSchema,
  incremental: booleanSchema,
  force: booleanSchema,
  name: nameSchema,
  snapshot_id: nullableUuidSchema,
} as const;
const create = (properties: object) =>
  wrapped("backup", { type: "object", required: ["volume_id"], additionalProperties: false, properties });

const withMetadata = { metadata: nullableMetadataSchema } as const;
export const createBackupSchema = [
  { since: 0, schema: create(createFields) },
  { since: 43, schema: create({ ...createFields, ...withMetadata }) },
  { since: 51, schema: create({ ...createFields, ...withMetadata, availability_zone: word }) },
];
export type CreateBackupBody = {
  backup: {
    volume_id: string;
    container?: string | null;
    description?: string | null;
    incremental?: boolean | string;
    force?: boolean | string;
    name?: string | null;
    snapshot_id?: string | null;
    metadata?: MetadataInput | null;
    availability_zone?: string | null;
  };
};

const update = (properties: object) =>
  wrapped("backup", { type: "object", minProperties: 1, additionalProperties: false, properties });
const names = { name: nameSchema, description: descriptionSchema } as const;
export const updateBackupSchema = [
  { since: 0, schema: update(names) },
  { since: 43, schema: update({ ...names, ...withMetadata }) },
];
export type UpdateBackupBody = {
  backup: { name?: string | null; description?: string | null; metadata?: MetadataInput | null };
};

export const restoreBackupSchema = wrapped("restore", {
  type: ["object", "null"],
  additionalProperties: false,
  properties: { name: nameSchema, volume_id: nullableUuidSchema },
});
export type RestoreBackupBody = { restore: { name?: string | null; volume_id?: string | null } | null };

export const importBackupSchema = wrapped("backup-record", {
  type: "object",
  required: ["backup_service", "backup_url"],
  additionalProperties: false,
  properties: {
    backup_service: { type: "string", minLength: 1, maxLength: 255 },
    backup_url: { type: "string", minLength: 1, maxLength: 262_144 },
  },
});
export type ImportBackupBody = { "backup-record": { backup_service: string; backup_url: string } };

export const BACKUP_ACTION_SCHEMAS = {
  "os-reset_status": {
    type: "object",
    required: ["status"],
    additionalProperties: false,
    properties: { status: { type: "string", minLength: 1, maxLength: 255 } },
  },
  "os-force_delete": {},
} as const;
export type BackupAction = keyof typeof BACKUP_ACTION_SCHEMAS;
