/** Nova's older doors to volumes and snapshots: until 2.35. What they lead to, its quota and its events are the volume service's. */
import { type ApiRequest, type Reply, ok } from "../../../http/service.ts";
import {
  createSnapshot,
  createVolume,
  deleteSnapshot,
  deleteVolume,
  getSnapshot,
  getVolume,
  listAllSnapshots,
  listAllVolumes,
} from "../../volume/public.ts";
import { readWindow } from "../common/query.ts";
import { toBoolean, toInteger } from "../common/wire.ts";
import type { SnapshotProxyBody, VolumeProxyBody } from "./volume-proxy.schema.ts";
import { toSnapshotProxy, toVolumeProxy } from "./volume-proxy.view.ts";

const volumeOf = (request: Pick<ApiRequest, "params">): string => request.params["volume_id"] ?? "";
const snapshotOf = (request: Pick<ApiRequest, "params">): string => request.params["snapshot_id"] ?? "";
const windowOf = <T>(request: ApiRequest, all: readonly T[]): T[] => {
  const { limit, offset } = readWindow(request.query);
  return all.slice(offset, offset + limit);
};

export const listVolumeProxies = async (request: ApiRequest): Promise<Reply> =>
  ok({ volumes: windowOf(request, await listAllVolumes(request)).map(toVolumeProxy) });

export const showVolumeProxy = async (request: ApiRequest): Promise<Reply> =>
  ok({ volume: toVolumeProxy(await getVolume(request, volumeOf(request))) });

export async function postVolumeProxy(request: ApiRequest<VolumeProxyBody>): Promise<Reply> {
  const { volume } = request.body;
  const made = await createVolume(request, {
    name: volume.display_name ?? null,
    description: volume.display_description ?? null,
    sizeGib: toInteger(volume.size, "size", 1),
    typeName: volume.volume_type ?? null,
    zone: volume.availability_zone ?? null,
    metadata: volume.metadata ?? {},
    imageId: null,
    snapshotId: volume.snapshot_id ?? null,
    sourceVolumeId: null,
    backupId: null,
  });
  return ok({ volume: toVolumeProxy(made) }, { location: `${request.baseUrl}/compute/v2.1/os-volumes/${made.id}` });
}

export async function deleteVolumeProxy(request: ApiRequest): Promise<Reply> {
  await deleteVolume(request, volumeOf(request), { cascade: false, force: false });
  return { status: 202 };
}

export const listSnapshotProxies = async (request: ApiRequest): Promise<Reply> =>
  ok({ snapshots: windowOf(request, await listAllSnapshots(request)).map(toSnapshotProxy) });

export const showSnapshotProxy = async (request: ApiRequest): Promise<Reply> =>
  ok({ snapshot: toSnapshotProxy(await getSnapshot(request, snapshotOf(request))) });

export async function postSnapshotProxy(request: ApiRequest<SnapshotProxyBody>): Promise<Reply> {
  const { snapshot } = request.body;
  const made = await createSnapshot(request, {
    volumeId: snapshot.volume_id,
    name: snapshot.display_name ?? null,
    description: snapshot.display_description ?? null,
    metadata: {},
    allowInUse: snapshot.force !== undefined && toBoolean(snapshot.force),
  });
  return ok({ snapshot: toSnapshotProxy(made) });
}

export async function deleteSnapshotProxy(request: ApiRequest): Promise<Reply> {
  await deleteSnapshot(request, snapshotOf(request), false);
  return { status: 202 };
}
