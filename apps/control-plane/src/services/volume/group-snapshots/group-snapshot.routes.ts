import { route } from "../../../http/service.ts";
import { actionBodySchema } from "../volumes/volume.schema.ts";
import {
  actOnGroupSnapshot,
  listGroupSnapshots,
  listGroupSnapshotsDetail,
  postGroupSnapshot,
  removeGroupSnapshot,
  showGroupSnapshot,
} from "./group-snapshot.handlers.ts";
import { createGroupSnapshotSchema } from "./group-snapshot.schema.ts";

const S = "/v3/group_snapshots";
const ONE = `${S}/:group_snapshot_id`;
const since = 14;
const LIST = "group:get_all_group_snapshots";

export const groupSnapshotRoutes = [
  route({ method: "GET", path: S, rule: LIST, since, handler: listGroupSnapshots }),
  route({ method: "GET", path: `${S}/detail`, rule: LIST, since, handler: listGroupSnapshotsDetail }),
  route({
    method: "POST",
    path: S,
    rule: "group:create_group_snapshot",
    since,
    body: createGroupSnapshotSchema,
    handler: postGroupSnapshot,
  }),
  route({ method: "GET", path: ONE, rule: "group:get_group_snapshot", since, handler: showGroupSnapshot }),
  route({ method: "DELETE", path: ONE, rule: "group:delete_group_snapshot", since, handler: removeGroupSnapshot }),
  route({
    method: "POST",
    path: `${ONE}/action`,
    rule: "group:reset_group_snapshot_status",
    since: 19,
    body: actionBodySchema,
    handler: actOnGroupSnapshot,
  }),
];
