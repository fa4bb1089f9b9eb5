/** Migrations on the wire (Compute API, "Migrations"). Pure. */
import { isoMicroseconds } from "../common/wire.ts";
import type { Migration } from "./migration.model.ts";

export const toMigrationView = (migration: Migration, version: number): object => ({
  id: migration.id,
  source_node: migration.sourceHost,
  source_compute: migration.sourceHost,
  dest_node: migration.destHost,
  dest_compute: migration.destHost,
  dest_host: null,
  status: migration.status,
  instance_uuid: migration.serverId,
  old_instance_type_id: migration.oldFlavorNumber,
  new_instance_type_id: migration.newFlavorNumber,
  created_at: isoMicroseconds(migration.createdAt),
  updated_at: isoMicroseconds(migration.updatedAt),
  ...(version >= 23 ? { migration_type: migration.kind } : {}),
  ...(version >= 59 ? { uuid: migration.uuid } : {}),
  ...(version >= 80 ? { user_id: migration.userId, project_id: migration.projectId } : {}),
});
