/** Wire -> use case -> view, for volumes, their metadata and what is asked of them. */
import { invalid, notFound } from "@andromede/base/errors";

import { type ApiRequest, type Reply, ok } from "../../../http/service.ts";
import { pageLinks } from "../common/list-request.ts";
import { queryBoolean, toInteger, toMetadata, trimmed } from "../common/wire.ts";
import { createVolume } from "./create-volume.ts";
import { deleteVolume } from "./delete-volume.ts";
import { ifMatching, metadataHeaders } from "./metadata-etag.ts";
import { readSummary, readVolumes } from "./read-volumes.ts";
import { changeMetadata, updateVolume } from "./update-volume.ts";
import { getVolume } from "./volume-access.ts";
import type { CreateVolumeBody, MetaBody, MetadataBody, UpdateVolumeBody } from "./volume.schema.ts";
import { toVolumeDetail, toVolumeSummary, toVolumeView } from "./volume.view.ts";

export const idOf = (request: Pick<ApiRequest, "params">): string => request.params["volume_id"] ?? "";
const keyOf = (request: Pick<ApiRequest, "params">): string => request.params["key"] ?? "";

async function list(request: ApiRequest, toView: typeof toVolumeSummary | typeof toVolumeDetail): Promise<Reply> {
  const { list: asked, volumes, count } = await readVolumes(request);
  return {
    status: 200,
    body: {
      volumes: volumes.map((volume) => toView(request, volume)),
      ...pageLinks(request, "volumes_links", asked, volumes),
      ...(count === null ? {} : { count }),
    },
  };
}

export const listVolumes = (request: ApiRequest): Promise<Reply> => list(request, toVolumeSummary);
export const listVolumesDetail = (request: ApiRequest): Promise<Reply> => list(request, toVolumeDetail);

export async function showSummary(request: ApiRequest): Promise<Reply> {
  const { count, sizeGib, metadata } = await readSummary(request);
  return {
    status: 200,
    body: {
      "volume-summary": {
        total_count: count,
        total_size: sizeGib,
        ...(request.version >= 36 ? { metadata } : {}),
      },
    },
  };
}

export const showVolume = async (request: ApiRequest): Promise<Reply> => ({
  status: 200,
  body: { volume: toVolumeDetail(request, await getVolume(request, idOf(request))) },
});

/** Names under the newer member, or under the older one. */
const named = (newer: string | null | undefined, older: string | null | undefined): string | null | undefined =>
  trimmed(newer === undefined ? older : newer);

const orNull = (text: string | null | undefined): string | null => (text === undefined || text === "" ? null : text);

export async function postVolume(request: ApiRequest<CreateVolumeBody>): Promise<Reply> {
  const { volume } = request.body;
  if ((volume.multiattach ?? null) !== null && ["true", "1"].includes(String(volume.multiattach).toLowerCase())) {
    throw invalid(
      "multiattach parameter has been removed. The default behavior is to use multiattach enabled volume types. Contact your administrator to create a multiattach enabled volume type and use it to create multiattach volumes.",
    );
  }
  if (orNull(volume.consistencygroup_id) !== null)
    throw notFound(`Group ${volume.consistencygroup_id ?? ""} could not be found.`);
  const groupId = request.version >= 13 ? orNull(volume.group_id) : null;
  const sources = {
    imageId: orNull(volume.imageRef ?? volume.image_id),
    snapshotId: orNull(volume.snapshot_id),
    sourceVolumeId: orNull(volume.source_volid),
    backupId: request.version >= 47 ? orNull(volume.backup_id) : null,
  };
  if (Object.values(sources).filter((one) => one !== null).length > 1) {
    throw invalid("Invalid input received: Only one of imageRef, source_volid, snapshot_id or backup_id may be given.");
  }
  const made = await createVolume(request, {
    name: named(volume.name, volume.display_name) ?? null,
    description: named(volume.description, volume.display_description) ?? null,
    sizeGib: volume.size === undefined || volume.size === null ? null : toInteger(volume.size, "size", 1),
    typeName: orNull(volume.volume_type),
    zone: orNull(volume.availability_zone),
    metadata: toMetadata(volume.metadata),
    ...sources,
    ...(groupId === null ? {} : { groupId }),
  });
  return { status: 202, body: { volume: toVolumeView(request, made) } };
}

export async function putVolume(request: ApiRequest<UpdateVolumeBody>): Promise<Reply> {
  const { volume } = request.body;
  const name = named(volume.name, volume.display_name);
  const description = named(volume.description, volume.display_description);
  const updated = await updateVolume(request, idOf(request), {
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    ...(volume.metadata === undefined ? {} : { metadata: toMetadata(volume.metadata) }),
  });
  return { status: 200, body: { volume: toVolumeView(request, updated) } };
}

export async function removeVolume(request: ApiRequest): Promise<Reply> {
  await deleteVolume(request, idOf(request), {
    cascade: queryBoolean(request, "cascade"),
    force: request.version >= 23 && queryBoolean(request, "force"),
  });
  return { status: 202 };
}

export async function listMetadata(request: ApiRequest): Promise<Reply> {
  const { metadata } = await getVolume(request, idOf(request));
  return ok({ metadata }, metadataHeaders(request, metadata));
}

/** POST merges, PUT replaces. */
export const postMetadata = async (request: ApiRequest<MetadataBody>): Promise<Reply> => ({
  status: 200,
  body: {
    metadata: await changeMetadata(request, idOf(request), (current) => ({
      ...current,
      ...toMetadata(request.body.metadata),
    })),
  },
});

export const putMetadata = async (request: ApiRequest<MetadataBody>): Promise<Reply> => ({
  status: 200,
  body: {
    metadata: await changeMetadata(
      request,
      idOf(request),
      ifMatching(request, () => toMetadata(request.body.metadata)),
    ),
  },
});

export const noMetadata = (id: string, key: string, what: string): Error =>
  notFound(`${what} ${id} has no metadata with key ${key}.`.slice(0, 600));

export async function showMetadataItem(request: ApiRequest): Promise<Reply> {
  const { id, metadata } = await getVolume(request, idOf(request));
  const key = keyOf(request);
  if (!Object.hasOwn(metadata, key)) throw noMetadata(id, key, "Volume");
  return { status: 200, body: { meta: { [key]: metadata[key] } } };
}

/** The one item that a body holds MUST be the one that the path names. */
export function itemOf(request: ApiRequest<MetaBody>): { [key: string]: string } {
  const meta = toMetadata(request.body.meta);
  if (!Object.hasOwn(meta, keyOf(request))) throw invalid("Request body and URI mismatch");
  return meta;
}

export async function putMetadataItem(request: ApiRequest<MetaBody>): Promise<Reply> {
  const meta = itemOf(request);
  const change = ifMatching(request, (current) => ({ ...current, ...meta }));
  await changeMetadata(request, idOf(request), change);
  return { status: 200, body: { meta } };
}

export async function deleteMetadataItem(request: ApiRequest): Promise<Reply> {
  const key = keyOf(request);
  await changeMetadata(request, idOf(request), (current) => {
    if (!Object.hasOwn(current, key)) throw noMetadata(idOf(request), key, "Volume");
    const { [key]: _removed, ...rest } = current;
    return rest;
  });
  return { status: 200 };
}

/** How a volume is encrypted, as Cinder's front-ends ask: every one of ours is. */
export async function showEncryption(request: ApiRequest): Promise<Reply> {
  const volume = await getVolume(request, idOf(request));
  return {
    status: 200,
    body: {
      encryption_key_id: volume.keyId,
      control_location: "front-end",
      cipher: "aes-xts-plain64",
      key_size: 256,
      provider: "luks",
    },
  };
}

export async function showEncryptionItem(request: ApiRequest): Promise<Reply> {
  const { body } = await showEncryption(request);
  const key = keyOf(request);
  const facts = body as { [key: string]: unknown };
  if (!Object.hasOwn(facts, key)) throw notFound("The resource could not be found.");
  return { status: 200, body: { [key]: facts[key] } };
}
