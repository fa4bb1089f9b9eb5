/** Wire -> use case -> view, for snapshots of groups. */
import type { ApiRequest, Reply } from "../../../http/service.ts";
import { checkAdmin } from "../common/actor.ts";
import { pageLinks, pagedSince, readFilters, readListRequest } from "../common/list-request.ts";
import { trimmed } from "../common/wire.ts";
import { actionIn, statusIn } from "../groups/group.handlers.ts";
import { type GroupSnapshot, SETTABLE_GROUP_STATUSES } from "../groups/group.model.ts";
import type { ActionBody } from "../volumes/volume.schema.ts";
import {
  GROUP_SNAPSHOT_SORTS,
  createGroupSnapshot,
  deleteGroupSnapshot,
  getGroupSnapshot,
  readGroupSnapshots,
  resetGroupSnapshot,
} from "./change-group-snapshots.ts";
import { type CreateGroupSnapshotBody, GROUP_SNAPSHOT_ACTIONS } from "./group-snapshot.schema.ts";
import { toGroupSnapshotDetail, toGroupSnapshotSummary } from "./group-snapshot.view.ts";

const idOf = (request: Pick<ApiRequest, "params">): string => request.params["group_snapshot_id"] ?? "";

async function list(request: ApiRequest, toView: (snapshot: GroupSnapshot) => object): Promise<Reply> {
  const asked = pagedSince(request, 29);
  const page = readListRequest(asked, { sortKeys: GROUP_SNAPSHOT_SORTS });
  const names = ["name", "status", "group_id"];
  const filters = readFilters(asked, { enabled: names, known: [...names, "project_id"], like: ["name"] });
  const snapshots = await readGroupSnapshots(asked, page, filters);
  return {
    status: 200,
    body: {
      group_snapshots: snapshots.map(toView),
      ...pageLinks(asked, "group_snapshot_links", page, snapshots),
    },
  };
}

export const listGroupSnapshots = (request: ApiRequest): Promise<Reply> => list(request, toGroupSnapshotSummary);
export const listGroupSnapshotsDetail = (request: ApiRequest): Promise<Reply> =>
  list(request, (snapshot) => toGroupSnapshotDetail(request, snapshot));

export const showGroupSnapshot = async (request: ApiRequest): Promise<Reply> => ({
  status: 200,
  body: { group_snapshot: toGroupSnapshotDetail(request, await getGroupSnapshot(request, idOf(request))) },
});

export async function postGroupSnapshot(request: ApiRequest<CreateGroupSnapshotBody>): Promise<Reply> {
  const { group_snapshot: wanted } = request.body;
  const made = await createGroupSnapshot(request, {
    groupId: wanted.group_id,
    name: trimmed(wanted.name) ?? null,
    description: trimmed(wanted.description) ?? null,
  });
  return {
    status: 202,
    body: { group_snapshot: { ...toGroupSnapshotSummary(made), group_type_id: made.groupTypeId } },
  };
}

export async function removeGroupSnapshot(request: ApiRequest): Promise<Reply> {
  await deleteGroupSnapshot(request, idOf(request));
  return { status: 202 };
}

export async function actOnGroupSnapshot(request: ApiRequest<ActionBody>): Promise<Reply> {
  const { fields } = actionIn<"reset_status">(request, GROUP_SNAPSHOT_ACTIONS);
  checkAdmin(request, "group:reset_group_snapshot_status");
  const settable = SETTABLE_GROUP_STATUSES.filter((status) => status !== "in-use");
  await resetGroupSnapshot(request, idOf(request), statusIn(fields["status"], settable));
  return { status: 202 };
}
