/** Backups on the wire, by microversion. Pure. */
import type { ApiRequest } from "../../../http/service.ts";
import { asksAsAdmin } from "../common/actor.ts";
import { isoTime, isoTimeOrNull, linksOf } from "../common/wire.ts";
import type { Backup } from "./backup.model.ts";

type Viewer = Pick<ApiRequest, "version" | "baseUrl" | "actor" | "plane" | "path">;

export const toBackupSummary = (request: Viewer, backup: Backup): object => ({
  id: backup.id,
  name: backup.name,
  links: linksOf(request, `backups/${backup.id}`),
});

/** What `show` and `detail` say. */
export function toBackupDetail(request: Viewer, backup: Backup): object {
  const { version } = request;
  const forAdmins = asksAsAdmin(request);
  return {
    ...toBackupSummary(request, backup),
    description: backup.description,
    status: backup.status,
    size: backup.sizeGib,
    object_count: backup.observedPieces ?? 0,
    availability_zone: backup.availabilityZone,
    container: backup.container,
    created_at: isoTime(backup.createdAt),
    updated_at: isoTimeOrNull(backup.updatedAt),
    data_timestamp: isoTime(backup.dataTimestamp),
    fail_reason: backup.failReason,
    volume_id: backup.volumeId,
    snapshot_id: backup.snapshotId,
    is_incremental: backup.parentId !== null,
    has_dependent_backups: backup.hasDependents,
    ...(version >= 18 && forAdmins ? { "os-backup-project-attr:project_id": backup.projectId } : {}),
    ...(version >= 43 ? { metadata: backup.metadata } : {}),
    ...(version >= 56 && forAdmins ? { user_id: backup.userId } : {}),
    ...(version >= 64 ? { encryption_key_id: backup.keyId } : {}),
  };
}
