/** A new volume: quota, key, rows, event and queue key in ONE transaction. What follows is the reconciler's. */
import { randomBytes } from "node:crypto";

import { conflict, invalid, notFound } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";
import type { Queryable } from "@andromede/platform/db/database";

import type { App } from "../../../app.ts";
import { type Transaction, transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { type BootImage, bootImageById, imageForBoot } from "../../image/public.ts";
import { lockBackup } from "../backups/backup.queries.ts";
import { asksAsAdmin, projectOf, scopeOf } from "../common/actor.ts";
import { type GroupPlace, holdGroupForVolume } from "../groups/place-in-group.ts";
import { listZones } from "../hosts/host.queries.ts";
import { takeQuota } from "../quotas/take-quota.ts";
import { findSnapshot } from "../snapshots/snapshot.queries.ts";
import { type VolumeType, isMultiattach, zonesOf } from "../types/type.model.ts";
import { findDefaultType, findType } from "../types/type.queries.ts";
import { rootSnapshotOf } from "./server-image.ts";
import { invalidVolume } from "./volume-access.ts";
import { type ImageMetadata, type Volume, keyName } from "./volume.model.ts";
import { type NewVolume, findVolume, insertVolume, lockVolume } from "./volume.queries.ts";

/** What a request asks for, in our own words. At most one source is not null. */
export type CreateVolume = {
  name: string | null;
  description: string | null;
  sizeGib: number | null;
  typeName: string | null;
  zone: string | null;
  metadata: { [key: string]: string };
  imageId: string | null;
  snapshotId: string | null;
  sourceVolumeId: string | null;
  backupId: string | null;
  /** The group it is to be in. */
  groupId?: string;
};

/** What a new volume takes from where it comes from. */
type Source = {
  /** The smallest it can be; null: it has none. */
  sizeGib: number | null;
  typeId: string | null;
  zone: string | null;
  bootable: boolean;
  imageMetadata: ImageMetadata | null;
  image: BootImage | null;
};

const NO_SOURCE: Source = {
  sizeGib: null,
  typeId: null,
  zone: null,
  bootable: false,
  imageMetadata: null,
  image: null,
};

export async function createVolume(request: ApiRequest, wanted: CreateVolume): Promise<Volume> {
  const { app } = request;
  const projectId = projectOf(request);
  const image = wanted.imageId === null ? null : await imageOf(request, wanted.imageId);
  const root = image === null || request.version < 46 ? null : rootSnapshotOf(image.properties);
  const from = root === null ? wanted : { ...wanted, imageId: null, snapshotId: root };
  const id = await transact(app, request.origin, (tx) =>
    addVolume(app, tx, from, {
      projectId,
      userId: request.actor.userId,
      scope: scopeOf(request),
      isAdmin: asksAsAdmin(request),
      image: root === null ? image : null,
    }),
  );
  const made = await findVolume(app.db, id, null);
  if (made === null) throw conflict(`Volume ${id} was deleted at once.`);
  return made;
}

type Owner = { projectId: string; userId: string; scope: string | null; isAdmin: boolean; image: BootImage | null };

/** One of the sources that `wanted` names at most; `owner.image`: the image it names. */
export async function addVolume(app: App, tx: Transaction, wanted: CreateVolume, owner: Owner): Promise<string> {
  const { sql } = tx;
  const group = wanted.groupId === undefined ? null : await holdGroupForVolume(sql, wanted.groupId, owner.projectId);
  // sent together: what is named, and the zones there are
  const [asked, fallback, zones, source] = await Promise.all([
    wanted.typeName === null ? null : findType(sql, wanted.typeName, owner.scope, true),
    findDefaultType(sql, owner.projectId),
    listZones(sql),
    sourceOf(sql, wanted, owner),
  ]);
  if (wanted.typeName !== null && asked === null) throw noType(wanted.typeName);
  const own = asked ?? (source.typeId === null ? null : await findType(sql, source.typeId, null)) ?? fallback;
  if (own === null) throw invalid("No volume type was given, and there is no default one.");
  group?.check(asked);
  const sizeGib = sizeOf(wanted, source);
  const zone = zoneOf(group === null ? wanted : { ...wanted, zone: group.zone }, source, own, zones);
  const row = await toRow(app, tx, { wanted, owner, source, type: own, sizeGib, zone, group });
  const taking = { volumes: 1, gigabytes: sizeGib, typeId: own.id };
  await takeQuota(tx, owner.projectId, taking, { sizeGib });
  await insertVolume(sql, row, new Date(app.clock.now()));
  tx.event({
    action: "volume.volume.create",
    target: { type: "volume", id: row.id, projectId: owner.projectId },
    detail: { name: row.name, size: sizeGib, type: own.name },
  });
  tx.enqueue(`volume/${row.id}`);
  return row.id;
}

const noType = (name: string) => notFound(`Volume type ${name} could not be found.`.slice(0, 400));

/** The image a request names, by id or by a name that only one has. */
async function imageOf(request: ApiRequest, imageRef: string): Promise<BootImage> {
  const id = imageRef.split("/").at(-1) ?? "";
  try {
    return await imageForBoot(request.app.db, request, id);
  } catch (error) {
    if ((error as { kind?: unknown }).kind !== "notFound") throw error;
    throw invalid("Invalid image identifier or unable to access requested image.", { cause: error });
  }
}

/** Locks what the volume is made from, so that it cannot go before the volume is there to be seen. */
async function sourceOf(sql: Queryable, wanted: CreateVolume, owner: Owner): Promise<Source> {
  if (owner.image !== null) return fromImage(owner.image);
  if (wanted.snapshotId !== null) return fromSnapshot(sql, wanted.snapshotId, owner.scope);
  if (wanted.sourceVolumeId !== null) return fromVolume(sql, wanted.sourceVolumeId, owner.scope);
  if (wanted.backupId !== null) return fromBackup(sql, wanted.backupId, owner.scope);
  return NO_SOURCE;
}

const GIB = 1024 ** 3;

/** The smallest volume that takes the image. */
export const smallestFor = (image: BootImage): number =>
  Math.max(1, Math.ceil(image.virtualSizeBytes / GIB), image.minDisk);

export const tooSmallFor = (sizeGib: number, smallestGib: number) =>
  invalid(`Invalid input received: Volume size ${sizeGib}GB cannot be smaller than the image size ${smallestGib}GB.`);

function fromImage(image: BootImage): Source {
  return {
    ...NO_SOURCE,
    sizeGib: smallestFor(image),
    bootable: true,
    imageMetadata: toImageMetadata(image),
    image,
  };
}

/** What a volume remembers of its image: Cinder's `volume_image_metadata`. Everything is text there. */
export function toImageMetadata(image: BootImage): ImageMetadata {
  const properties = Object.entries(image.properties).map(([key, value]) => [
    key,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  return {
    ...(Object.fromEntries(properties) as ImageMetadata),
    image_id: image.id,
    image_name: image.name ?? "",
    disk_format: image.format,
    container_format: "bare",
    min_disk: String(image.minDisk),
    min_ram: String(image.minRam),
    size: String(image.sizeBytes),
  };
}

async function fromSnapshot(sql: Queryable, id: string, scope: string | null): Promise<Source> {
  const snapshot = await findSnapshot(sql, id, scope);
  if (snapshot === null) throw notFound(`Snapshot ${id} could not be found.`);
  const volume = await lockVolume(sql, snapshot.volumeId, null);
  if (volume === null || snapshot.status !== "available") {
    throw invalid(`Invalid snapshot: Originating snapshot status must be one of 'available' values`);
  }
  return { ...fromOther(volume), sizeGib: snapshot.sizeGib };
}

async function fromVolume(sql: Queryable, id: string, scope: string | null): Promise<Source> {
  const volume = await lockVolume(sql, id, scope);
  if (volume === null) throw notFound(`Volume ${id} could not be found.`);
  if (volume.deleting || !["available", "in-use"].includes(volume.status)) {
    throw invalidVolume("Originating volume status must be one of 'available', 'in-use' values");
  }
  return fromOther(volume);
}

async function fromBackup(sql: Queryable, id: string, scope: string | null): Promise<Source> {
  const backup = await lockBackup(sql, id, scope);
  if (backup === null) throw notFound(`Backup ${id} could not be found.`);
  if (backup.status !== "available" || backup.deleting)
    throw invalid("Invalid backup: Backup status must be available");
  return { ...NO_SOURCE, sizeGib: backup.sizeGib };
}

const fromOther = (volume: Volume): Source => ({
  sizeGib: volume.sizeGib,
  typeId: volume.volumeTypeId,
  zone: volume.availabilityZone,
  bootable: volume.bootable,
  imageMetadata: volume.imageMetadata,
  image: null,
});

function sizeOf(wanted: CreateVolume, source: Source): number {
  const { sizeGib } = wanted;
  if (sizeGib === null) {
    if (source.sizeGib === null || source.image !== null)
      throw invalid("Invalid input received: Size must be an integer and greater than 0");
    return source.sizeGib;
  }
  if (source.sizeGib === null || sizeGib >= source.sizeGib) return sizeGib;
  if (source.image !== null) throw tooSmallFor(sizeGib, source.sizeGib);
  if (wanted.snapshotId !== null) {
    throw invalid(
      `Invalid input received: Volume size '${sizeGib}'GB cannot be smaller than the snapshot size ${source.sizeGib}GB. They must be >= original snapshot size.`,
    );
  }
  throw invalid(
    `Invalid input received: Volume size '${sizeGib}'GB cannot be smaller than original volume size  ${source.sizeGib}GB. They must be >= original volume size.`,
  );
}

function zoneOf(wanted: CreateVolume, source: Source, type: VolumeType, zones: { zone: string }[]): string {
  const allowed = zonesOf(type);
  const asked = wanted.zone ?? source.zone ?? allowed?.[0] ?? zones[0]?.zone ?? "nova";
  const exists = zones.length === 0 ? asked === "nova" : zones.some(({ zone }) => zone === asked);
  if (!exists) throw invalid(`Invalid input received: Availability zone '${asked}' is invalid.`);
  if (allowed !== null && !allowed.includes(asked)) {
    throw invalid("Invalid input received: The zone is not one that the volume type supports.");
  }
  return asked;
}

type RowInput = {
  wanted: CreateVolume;
  owner: Owner;
  source: Source;
  type: VolumeType;
  sizeGib: number;
  zone: string;
  group: GroupPlace | null;
};

async function toRow(app: App, tx: Transaction, input: RowInput): Promise<NewVolume> {
  const { wanted, owner, source, type } = input;
  const id = newUuid();
  const { image } = source;
  return {
    id,
    projectId: owner.projectId,
    userId: owner.userId,
    name: wanted.name,
    description: wanted.description,
    sizeGib: input.sizeGib,
    availabilityZone: input.zone,
    volumeTypeId: type.id,
    groupId: input.group?.id ?? null,
    bootable: source.bootable,
    multiattach: isMultiattach(type),
    metadata: wanted.metadata,
    imageMetadata: source.imageMetadata,
    snapshotId: wanted.snapshotId,
    sourceVolumeId: wanted.sourceVolumeId,
    sourceBackupId: wanted.backupId,
    image:
      image === null ? null : { id: image.id, sha512: image.sha512, format: image.format, sizeBytes: image.sizeBytes },
    wrappedKey: await app.keys.wrapForProject(tx.sql, owner.projectId, randomBytes(32), keyName(id)),
    keyId: newUuid(),
    status: "creating",
  };
}

/** What a server that boots from a volume asks for. `sizeGib` null: as large as the source. */
export type NewServerVolume = {
  name: string;
  sizeGib: number | null;
  source:
    | { kind: "blank" }
    | { kind: "image"; imageId: string }
    | { kind: "snapshot"; snapshotId: string }
    | { kind: "volume"; volumeId: string };
  projectId: string;
  userId: string;
  type?: string | null;
  zone?: string | null;
};

export async function createServerVolume(app: App, tx: Transaction, wanted: NewServerVolume): Promise<string> {
  const { source, projectId } = wanted;
  const image = source.kind === "image" ? await bootImageById(tx.sql, source.imageId) : null;
  if (source.kind === "image" && image === null) throw invalid(`Image ${source.imageId} could not be found.`);
  return addVolume(
    app,
    tx,
    {
      name: wanted.name,
      description: "",
      sizeGib: wanted.sizeGib ?? (image === null ? null : fromImage(image).sizeGib),
      typeName: wanted.type ?? null,
      zone: wanted.zone ?? null,
      metadata: {},
      imageId: null,
      snapshotId: source.kind === "snapshot" ? source.snapshotId : null,
      sourceVolumeId: source.kind === "volume" ? source.volumeId : null,
      backupId: null,
    },
    { projectId, userId: wanted.userId, scope: projectId, isAdmin: false, image },
  );
}
