/** Groups on the wire, by microversion (Block Storage API v3, "Generic volume groups"). Pure. */
import type { ApiRequest } from "../../../http/service.ts";
import { asksAsAdmin } from "../common/actor.ts";
import { isoTime } from "../common/wire.ts";
import type { Group } from "./group.model.ts";

export const toGroupSummary = ({ id, name }: Group): { id: string; name: string | null } => ({ id, name });

/** `volumes`: the ids of those in it, where they were asked for (3.25). */
export const toGroupDetail = (
  viewer: Pick<ApiRequest, "actor" | "plane" | "version">,
  group: Group,
  volumes: readonly string[] | null,
): object => ({
  id: group.id,
  name: group.name,
  description: group.description,
  status: group.status,
  availability_zone: group.availabilityZone,
  group_type: group.groupTypeId,
  volume_types: group.volumeTypeIds,
  created_at: isoTime(group.createdAt),
  ...(viewer.version >= 14 ? { group_snapshot_id: group.groupSnapshotId, source_group_id: group.sourceGroupId } : {}),
  ...(viewer.version >= 25 && volumes !== null ? { volumes } : {}),
  ...(viewer.version >= 38 ? { replication_status: "disabled" } : {}),
  ...(viewer.version >= 58 && asksAsAdmin(viewer) ? { project_id: group.projectId } : {}),
});
