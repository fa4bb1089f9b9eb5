/** Snapshots on the wire, by microversion. Pure. */
import type { ApiRequest } from "../../../http/service.ts";
import { isoTime, isoTimeOrNull } from "../common/wire.ts";
import type { Snapshot } from "./snapshot.model.ts";

type Viewer = Pick<ApiRequest, "version">;

export const toSnapshotSummary = ({ version }: Viewer, snapshot: Snapshot): object => ({
  id: snapshot.id,
  name: snapshot.name,
  description: snapshot.description,
  status: snapshot.status,
  size: snapshot.sizeGib,
  volume_id: snapshot.volumeId,
  metadata: snapshot.metadata,
  created_at: isoTime(snapshot.createdAt),
  updated_at: isoTimeOrNull(snapshot.updatedAt),
  ...(version >= 14 ? { group_snapshot_id: snapshot.groupSnapshotId } : {}),
  ...(version >= 41 ? { user_id: snapshot.userId } : {}),
  ...(version >= 65 ? { consumes_quota: snapshot.consumesQuota } : {}),
});

/** What `show` and `detail` add. */
export const toSnapshotDetail = (viewer: Viewer, snapshot: Snapshot): object => ({
  ...toSnapshotSummary(viewer, snapshot),
  "os-extended-snapshot-attributes:progress": snapshot.progress,
  "os-extended-snapshot-attributes:project_id": snapshot.projectId,
});
