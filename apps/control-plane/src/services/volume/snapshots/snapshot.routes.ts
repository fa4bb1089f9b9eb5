import { route } from "../../../http/service.ts";
import { actionBodySchema, metaBodySchema, metadataBodySchema } from "../volumes/volume.schema.ts";
import {
  actOnSnapshot,
  deleteSnapshotMetadataItem,
  listSnapshotMetadata,
  listSnapshots,
  listSnapshotsDetail,
  postSnapshot,
  postSnapshotMetadata,
  putSnapshot,
  putSnapshotMetadata,
  putSnapshotMetadataItem,
  removeSnapshot,
  showSnapshot,
  showSnapshotMetadataItem,
} from "./snapshot.handlers.ts";
import { createSnapshotSchema, updateSnapshotSchema } from "./snapshot.schema.ts";

const S = "/v3/snapshots";
const ONE = `${S}/:snapshot_id`;

export const snapshotRoutes = [
  route({ method: "GET", path: S, rule: "volume:get_all_snapshots", handler: listSnapshots }),
  route({ method: "GET", path: `${S}/detail`, rule: "volume:get_all_snapshots", handler: listSnapshotsDetail }),
  route({ method: "POST", path: S, rule: "volume:create_snapshot", body: createSnapshotSchema, handler: postSnapshot }),
  route({ method: "GET", path: ONE, rule: "volume:get_snapshot", handler: showSnapshot }),
  route({ method: "PUT", path: ONE, rule: "volume:update_snapshot", body: updateSnapshotSchema, handler: putSnapshot }),
  route({ method: "DELETE", path: ONE, rule: "volume:delete_snapshot", handler: removeSnapshot }),
  route({
    method: "POST",
    path: `${ONE}/action`,
    rule: "volume:snapshot_action",
    body: actionBodySchema,
    handler: actOnSnapshot,
  }),
  route({
    method: "GET",
    path: `${ONE}/metadata`,
    rule: "volume:get_snapshot_metadata",
    handler: listSnapshotMetadata,
  }),
  route({
    method: "POST",
    path: `${ONE}/metadata`,
    rule: "volume:update_snapshot_metadata",
    body: metadataBodySchema,
    handler: postSnapshotMetadata,
  }),
  route({
    method: "PUT",
    path: `${ONE}/metadata`,
    rule: "volume:update_snapshot_metadata",
    body: metadataBodySchema,
    handler: putSnapshotMetadata,
  }),
  route({
    method: "GET",
    path: `${ONE}/metadata/:key`,
    rule: "volume:get_snapshot_metadata",
    handler: showSnapshotMetadataItem,
  }),
  route({
    method: "PUT",
    path: `${ONE}/metadata/:key`,
    rule: "volume:update_snapshot_metadata",
    body: metaBodySchema,
    handler: putSnapshotMetadataItem,
  }),
  route({
    method: "DELETE",
    path: `${ONE}/metadata/:key`,
    rule: "volume:delete_snapshot_metadata",
    handler: deleteSnapshotMetadataItem,
  }),
];
