/** Volumes on the wire, by microversion (Block Storage API v3, "Volumes"). Pure. */
import type { Link } from "../../../http/links.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { asksAsAdmin } from "../common/actor.ts";
import { isoTime, isoTimeOrNull, linksOf } from "../common/wire.ts";
import type { Volume } from "./volume.model.ts";

type Viewer = Pick<ApiRequest, "baseUrl" | "actor" | "plane" | "path" | "version">;

export const toVolumeSummary = (
  viewer: Viewer,
  volume: Volume,
): { id: string; name: string | null; links: Link[] } => ({
  id: volume.id,
  name: volume.name,
  links: linksOf(viewer, `volumes/${volume.id}`),
});

/** How Cinder names where a volume is: host, backend and pool. */
export const hostAttribute = (volume: Pick<Volume, "pool" | "keeper">): string | null =>
  volume.pool === null || volume.keeper === null ? null : `${volume.keeper.name}@${volume.pool}#${volume.pool}`;

const toAttachments = (volume: Volume, isAdmin: boolean): object[] =>
  volume.attachments
    .filter(({ status }) => status === "attached" || status === "detaching")
    .map((one) => ({
      id: volume.id,
      attachment_id: one.id,
      volume_id: volume.id,
      server_id: one.serverId,
      host_name: isAdmin ? one.host : null,
      device: one.device,
      attached_at: one.attachedAt,
    }));

/** What a customer put there, and what Cinder puts there for them to see. */
function toShownMetadata(volume: Volume): { [key: string]: string } {
  const attached = volume.attachments.find(({ status }) => status === "attached" || status === "detaching");
  return {
    ...volume.metadata,
    ...(volume.readonly === null ? {} : { readonly: volume.readonly ? "True" : "False" }),
    ...(attached === undefined ? {} : { attached_mode: attached.mode }),
  };
}

/** The answer to POST and PUT. */
export function toVolumeView(
  viewer: Viewer,
  volume: Volume,
  options: { adminMetadata: boolean } = { adminMetadata: false },
): object {
  const { version } = viewer;
  const isAdmin = asksAsAdmin(viewer);
  return {
    id: volume.id,
    status: volume.status,
    size: volume.sizeGib,
    availability_zone: volume.availabilityZone,
    created_at: isoTime(volume.createdAt),
    updated_at: isoTimeOrNull(volume.updatedAt),
    name: volume.name,
    description: volume.description,
    volume_type: volume.volumeTypeName,
    snapshot_id: volume.snapshotId,
    source_volid: volume.sourceVolumeId,
    metadata: options.adminMetadata ? toShownMetadata(volume) : volume.metadata,
    links: linksOf(viewer, `volumes/${volume.id}`),
    user_id: volume.userId,
    bootable: String(volume.bootable),
    encrypted: true,
    replication_status: null,
    consistencygroup_id: null,
    multiattach: volume.multiattach,
    attachments: toAttachments(volume, isAdmin),
    ...(isAdmin ? { migration_status: volume.migrationStatus } : {}),
    ...(version >= 13 ? { group_id: volume.groupId } : {}),
    ...(isAdmin && version >= 21 ? { provider_id: null } : {}),
    ...(version >= 48 ? { shared_targets: false, service_uuid: volume.keeper?.serviceId ?? null } : {}),
    ...(isAdmin && version >= 61 ? { cluster_name: null } : {}),
    ...(version >= 63 ? { volume_type_id: volume.volumeTypeId } : {}),
    ...(version >= 64 ? { encryption_key_id: volume.keyId } : {}),
    ...(version >= 65 ? { consumes_quota: volume.consumesQuota } : {}),
  };
}

/** The same with what `show` and `detail` add. */
export const toVolumeDetail = (viewer: Viewer, volume: Volume): object => ({
  ...toVolumeView(viewer, volume, { adminMetadata: true }),
  ...(volume.imageMetadata === null || Object.keys(volume.imageMetadata).length === 0
    ? {}
    : { volume_image_metadata: volume.imageMetadata }),
  "os-vol-tenant-attr:tenant_id": volume.projectId,
  ...(asksAsAdmin(viewer)
    ? {
        "os-vol-host-attr:host": hostAttribute(volume),
        "os-vol-mig-status-attr:migstat": volume.migrationStatus,
        "os-vol-mig-status-attr:name_id": null,
      }
    : {}),
});
