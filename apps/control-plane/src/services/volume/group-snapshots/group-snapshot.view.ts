/** Snapshots of groups on the wire, by microversion (Block Storage API v3, "Group snapshots"). Pure. */
import type { ApiRequest } from "../../../http/service.ts";
import { asksAsAdmin } from "../common/actor.ts";
import { isoTime } from "../common/wire.ts";
import type { GroupSnapshot } from "../groups/group.model.ts";

export const toGroupSnapshotSummary = ({ id, name }: GroupSnapshot): { id: string; name: string | null } => ({
  id,
  name,
});

export const toGroupSnapshotDetail = (
  viewer: Pick<ApiRequest, "actor" | "plane" | "version">,
  snapshot: GroupSnapshot,
): object => ({
  id: snapshot.id,
  name: snapshot.name,
  description: snapshot.description,
  status: snapshot.status,
  group_id: snapshot.groupId,
  group_type_id: snapshot.groupTypeId,
  created_at: isoTime(snapshot.createdAt),
  ...(viewer.version >= 58 && asksAsAdmin(viewer) ? { project_id: snapshot.projectId } : {}),
});
