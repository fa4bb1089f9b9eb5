import { route } from "../../../http/service.ts";
import { actOnVolume, refuseManaging } from "./action.handlers.ts";
import {
  deleteMetadataItem,
  listMetadata,
  listVolumes,
  listVolumesDetail,
  postMetadata,
  postVolume,
  putMetadata,
  putMetadataItem,
  putVolume,
  removeVolume,
  showEncryption,
  showEncryptionItem,
  showMetadataItem,
  showSummary,
  showVolume,
} from "./volume.handlers.ts";
import {
  actionBodySchema,
  createVolumeSchema,
  metaBodySchema,
  metadataBodySchema,
  updateVolumeSchema,
} from "./volume.schema.ts";

const V = "/v3/volumes";
const ONE = `${V}/:volume_id`;

export const volumeResourceRoutes = [
  route({ method: "GET", path: V, rule: "volume:get_all", handler: listVolumes }),
  route({ method: "GET", path: `${V}/detail`, rule: "volume:get_all", handler: listVolumesDetail }),
  route({ method: "GET", path: `${V}/summary`, rule: "volume:get_all", since: 12, handler: showSummary }),
  route({ method: "POST", path: V, rule: "volume:create", body: createVolumeSchema, handler: postVolume }),
  route({ method: "GET", path: ONE, rule: "volume:get", handler: showVolume }),
  route({ method: "PUT", path: ONE, rule: "volume:update", body: updateVolumeSchema, handler: putVolume }),
  route({ method: "DELETE", path: ONE, rule: "volume:delete", handler: removeVolume }),
  route({ method: "POST", path: `${ONE}/action`, rule: "volume:action", body: actionBodySchema, handler: actOnVolume }),
  route({ method: "GET", path: `${ONE}/metadata`, rule: "volume:get_volume_metadata", handler: listMetadata }),
  route({
    method: "POST",
    path: `${ONE}/metadata`,
    rule: "volume:create_volume_metadata",
    body: metadataBodySchema,
    handler: postMetadata,
  }),
  route({
    method: "PUT",
    path: `${ONE}/metadata`,
    rule: "volume:update_volume_metadata",
    body: metadataBodySchema,
    handler: putMetadata,
  }),
  route({ method: "GET", path: `${ONE}/metadata/:key`, rule: "volume:get_volume_metadata", handler: showMetadataItem }),
  route({
    method: "PUT",
    path: `${ONE}/metadata/:key`,
    rule: "volume:update_volume_metadata",
    body: metaBodySchema,
    handler: putMetadataItem,
  }),
  route({
    method: "DELETE",
    path: `${ONE}/metadata/:key`,
    rule: "volume:delete_volume_metadata",
    handler: deleteMetadataItem,
  }),
  route({
    method: "GET",
    path: `${ONE}/encryption`,
    rule: "volume_extension:volume_encryption_metadata",
    handler: showEncryption,
  }),
  route({
    method: "GET",
    path: `${ONE}/encryption/:key`,
    rule: "volume_extension:volume_encryption_metadata",
    handler: showEncryptionItem,
  }),
  ...[
    { name: "os-volume-manage", since: 0 },
    { name: "manageable_volumes", since: 8 },
    { name: "os-snapshot-manage", since: 0 },
    { name: "manageable_snapshots", since: 8 },
  ].flatMap(({ name, since }) => [
    route({
      method: "POST",
      path: `/v3/${name}`,
      since,
      rule: "volume_extension:volume_manage",
      body: { type: "object" },
      handler: refuseManaging,
    }),
    route({
      method: "GET",
      path: `/v3/${name}`,
      since,
      rule: "volume_extension:list_manageable",
      handler: refuseManaging,
    }),
    route({
      method: "GET",
      path: `/v3/${name}/detail`,
      since,
      rule: "volume_extension:list_manageable",
      handler: refuseManaging,
    }),
  ]),
];
