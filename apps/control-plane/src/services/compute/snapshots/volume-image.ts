/**
 * Images of servers whose root disk is a volume: snapshots of their volumes, and an image without bytes that says which.
 * Whoever boots it gets new volumes made of the snapshots (nova/compute/api.py, `snapshot_volume_backed`).
 */
import { Readable } from "node:stream";

import { invalid } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";
import { isObject, parseJson } from "@andromede/base/json";

import type { App } from "../../../app.ts";
import type { Transaction } from "../../../db/transaction.ts";
import { createMadeImage, receiveImageFrom } from "../../image/public.ts";
import { snapshotForImage } from "../../volume/public.ts";
import type { Server } from "../servers/server.model.ts";
import { type Device, readBlockDevices } from "../volumes/block-device.model.ts";
import type { BlockDeviceBody } from "../volumes/block-device.schema.ts";
import type { ServerDisk } from "../volumes/server-disk.model.ts";
import { lockServerDisks } from "../volumes/server-disk.queries.ts";

const MAPPING = "block_device_mapping";

/** The snapshots and the image's row, in the transaction that holds the server. `finishVolumeImage` follows its commit. */
export async function createVolumeImage(
  app: App,
  tx: Transaction,
  server: Server,
  wanted: { name: string; userId: string; properties: { [name: string]: string } },
): Promise<string> {
  const mapping: object[] = [];
  for (const disk of await lockServerDisks(tx.sql, server.id)) {
    if (disk.detaching) continue;
    const { volumeId } = disk;
    if (volumeId === null) {
      mapping.push(toMapping(disk, { volume_size: disk.sizeGib }));
      continue;
    }
    const { snapshotId, sizeGib } = await snapshotForImage(app, tx, {
      volumeId,
      projectId: server.projectId,
      userId: wanted.userId,
      name: `snapshot for ${wanted.name}`.slice(0, 255),
    });
    const source = { source_type: "snapshot", destination_type: "volume", snapshot_id: snapshotId };
    mapping.push({ ...toMapping(disk, { volume_size: sizeGib }), ...source });
  }
  const id = newUuid();
  await createMadeImage(tx, {
    id,
    projectId: server.projectId,
    name: wanted.name,
    diskFormat: "raw",
    containerFormat: "bare",
    visibility: "private",
    minRam: 0,
    minDisk: 0,
    properties: {
      instance_uuid: server.id,
      user_id: wanted.userId,
      image_type: "snapshot",
      base_image_ref: "",
      ...wanted.properties,
      root_device_name: "/dev/vda",
      bdm_v2: "True",
      [MAPPING]: JSON.stringify(mapping),
    },
  });
  return id;
}

const toMapping = (disk: ServerDisk, size: { volume_size: number }): object => ({
  source_type: disk.sourceType,
  destination_type: disk.destinationType,
  device_name: disk.deviceName,
  boot_index: disk.bootIndex,
  delete_on_termination: disk.deleteOnTermination,
  guest_format: disk.guestFormat,
  tag: disk.tag,
  ...size,
});

/** It has no bytes, and from now on it is `active`. */
export const finishVolumeImage = (app: App, imageId: string): Promise<void> =>
  receiveImageFrom(app, { imageId, stream: Readable.from([]), expectedBytes: 0 });

/** The disks that an image asks for; null: it is one like any other. */
export function devicesOfImage(properties: { [name: string]: unknown }): Device[] | null {
  const text = properties[MAPPING];
  if (typeof text !== "string") return null;
  const mapping = parseJson(text, "The image's block device mapping");
  if (!Array.isArray(mapping)) throw invalid("The image's block device mapping is not a list.");
  return readBlockDevices("", [], mapping.map(toBody)).devices;
}

const SOURCES = ["image", "volume", "snapshot", "blank"] as const;

/** Properties are the customer's to write: nothing in them is taken for granted. */
function toBody(entry: unknown): BlockDeviceBody {
  if (!isObject(entry)) throw invalid("The image's block device mapping is malformed.");
  const source = SOURCES.find((one) => one === entry["source_type"]);
  if (source === undefined) throw invalid("The image's block device mapping names no source.");
  const id = entry[`${source}_id`];
  const { boot_index: bootIndex, volume_size: size, device_name: name, guest_format: format } = entry;
  const isWord = (value: unknown): value is string => typeof value === "string" && value.length <= 255;
  return {
    source_type: source,
    destination_type: entry["destination_type"] === "local" ? "local" : "volume",
    ...(isWord(id) ? { uuid: id } : {}),
    ...(typeof bootIndex === "number" ? { boot_index: bootIndex } : {}),
    ...(typeof size === "number" ? { volume_size: size } : {}),
    ...(isWord(name) ? { device_name: name } : {}),
    ...(isWord(format) ? { guest_format: format } : {}),
    delete_on_termination: entry["delete_on_termination"] === true,
  };
}
