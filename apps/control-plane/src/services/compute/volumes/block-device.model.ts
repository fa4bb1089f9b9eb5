/** What a request's block device mappings, old and new, mean (nova/block_device.py says the same in other words). Pure. */
import { type CloudError, forbidden, invalid } from "@andromede/base/errors";

import { toBoolean, toInteger } from "../common/wire.ts";
import type { BlockDeviceBody, LegacyBlockDeviceBody } from "./block-device.schema.ts";
import {
  type DestinationType,
  MAX_DISKS,
  type SourceType,
  nextName,
  reservedNames,
  toVirtioName,
} from "./server-disk.model.ts";

/** A disk that a new server is to have beside its image's and its flavor's. */
export type WantedDisk = {
  sourceType: SourceType;
  sourceId: string | null;
  destinationType: DestinationType;
  /** GiB; null: as large as its source. Swap: MiB, rounded up. */
  sizeGib: number | null;
  bootIndex: number | null;
  deviceName: string | null;
  deleteOnTermination: boolean;
  guestFormat: string | null;
  tag: string | null;
  volumeType: string | null;
};

type Limits = { ephemeralGib: number; swapMib: number };

export const badMapping = (details: string): CloudError => invalid(`Block Device Mapping is Invalid: ${details}`);
const badBootSequence = (): CloudError =>
  badMapping("Boot sequence for the instance and image/block device mapping combination is not valid.");

export type Device = WantedDisk & { isImageRoot?: true; swapMib?: number };

/** `imageId` "": none was named. */
export function readBlockDevices(
  imageId: string,
  legacy: readonly LegacyBlockDeviceBody[],
  devices: readonly BlockDeviceBody[],
): { imageId: string; devices: Device[] } {
  if (legacy.length > 0 && devices.length > 0) {
    throw invalid("Using different block_device_mapping syntaxes is not allowed in the same request.");
  }
  if (legacy.length > 0) return withRoot(fromLegacy(imageId, legacy));
  const read = devices.filter((device) => !isGiven(device.no_device)).map((device) => fromBody(device, imageId));
  if (imageId === "" && read.length === 0) throw invalid("Invalid imageRef provided.");
  if (imageId !== "" && devices.length === 0) read.push(imageRoot(imageId));
  const root = read.find((device) => device.isImageRoot === true);
  if (root !== undefined && imageId !== "" && root.sourceId !== imageId) {
    throw badMapping("The image of the boot device must be the server's imageRef.");
  }
  checkBootSequence(read);
  return withRoot(read);
}

/** The root disk is an image's copy on the host, or a volume. */
function withRoot(devices: Device[]): { imageId: string; devices: Device[] } {
  const root = devices.find((device) => device.bootIndex === 0);
  if (root?.isImageRoot === true) return { imageId: root.sourceId ?? "", devices };
  if (root?.destinationType !== "volume") throw badBootSequence();
  return { imageId: "", devices };
}

const isGiven = (value: unknown): boolean => value !== undefined && value !== null && value !== false && value !== "";

const imageRoot = (imageId: string): Device => ({
  sourceType: "image",
  sourceId: imageId,
  destinationType: "local",
  sizeGib: null,
  bootIndex: 0,
  deviceName: null,
  deleteOnTermination: true,
  guestFormat: null,
  tag: null,
  volumeType: null,
  isImageRoot: true,
});

/** Boot indexes count from 0, each once; negative and null ones do not count. */
function checkBootSequence(devices: readonly Device[]): void {
  const indexes = devices.flatMap(({ bootIndex }) => (bootIndex === null ? [] : [bootIndex])).toSorted((a, b) => a - b);
  if (indexes.length === 0 || indexes.some((value, index) => value !== index)) throw badBootSequence();
}

const DESTINATION: { readonly [source in SourceType]: DestinationType } = {
  blank: "local",
  image: "local",
  snapshot: "volume",
  volume: "volume",
};

function fromBody(body: BlockDeviceBody, imageId: string): Device {
  const { source_type: sourceType } = body;
  if (sourceType === undefined) throw badMapping("Some required fields are missing");
  const destinationType = body.destination_type ?? DESTINATION[sourceType];
  const sourceId = sourceOf(body, sourceType);
  const bootIndex = readBootIndex(body.boot_index);
  checkKind(sourceType, destinationType, body.volume_type ?? null);
  const isImageRoot = sourceType === "image" && destinationType === "local";
  if (isImageRoot && (imageId === "" || bootIndex !== 0)) throw badMapping("Mapping image to local is not supported.");
  const isSwap = sourceType === "blank" && destinationType === "local" && body.guest_format === "swap";
  return {
    sourceType,
    sourceId,
    destinationType,
    bootIndex,
    ...sizesOf(body, isSwap),
    ...namesOf(body),
    ...(isImageRoot ? { isImageRoot: true as const } : {}),
  };
}

/** A swap disk is counted in MiB. */
function sizesOf(body: LegacyBlockDeviceBody, isSwap: boolean): Pick<Device, "sizeGib" | "swapMib"> {
  const size = readSize(body.volume_size);
  return isSwap ? { sizeGib: size === null ? null : Math.ceil(size / 1024), swapMib: size ?? 0 } : { sizeGib: size };
}

const namesOf = (
  body: BlockDeviceBody,
): Pick<Device, "deviceName" | "deleteOnTermination" | "guestFormat" | "tag" | "volumeType"> => ({
  deviceName: readDeviceName(body.device_name),
  deleteOnTermination: body.delete_on_termination !== undefined && toBoolean(body.delete_on_termination),
  guestFormat: body.guest_format ?? null,
  tag: body.tag ?? null,
  volumeType: body.volume_type ?? null,
});

function sourceOf(body: BlockDeviceBody, sourceType: SourceType): string | null {
  if (sourceType === "blank") {
    if (body.uuid !== undefined) throw badMapping("Invalid device UUID.");
    return null;
  }
  const id = body.uuid ?? { image: body.image_id, volume: body.volume_id, snapshot: body.snapshot_id }[sourceType];
  if (id === undefined) throw badMapping("Missing device UUID.");
  return id;
}

function checkKind(sourceType: SourceType, destinationType: DestinationType, volumeType: string | null): void {
  if (destinationType === "local" && (sourceType === "volume" || sourceType === "snapshot")) {
    throw badMapping(`Mapping ${sourceType} to local is not supported.`);
  }
  if (volumeType === null) return;
  if (destinationType === "local") {
    throw badMapping("Specifying a volume_type with destination_type=local is not supported.");
  }
  if (sourceType === "volume") throw badMapping("Specifying volume type to existing volume is not supported.");
}

function readBootIndex(value: number | string | null | undefined): number | null {
  if (value === undefined || value === null) return null;
  const index = Number(value);
  if (!Number.isInteger(index)) throw badMapping("Boot index is invalid.");
  return index < 0 ? null : index;
}

function readSize(value: number | string | null | undefined): number | null {
  if (value === undefined || value === null || value === "") return null;
  const size = toInteger(value, "volume_size", 0);
  return size === 0 ? null : size;
}

/** What cannot be a name is refused; what virtio cannot call so is left to us. */
function readDeviceName(name: string | null | undefined): string | null {
  if (name === undefined || name === null) return null;
  if (/\s/.test(name) || name.length > 255) throw badMapping("Device name contains spaces.");
  return toVirtioName(name);
}

/** The older form: a device name, and an id of a volume or a snapshot. */
function fromLegacy(imageId: string, bodies: readonly LegacyBlockDeviceBody[]): Device[] {
  const devices = bodies.filter((body) => !isGiven(body.no_device)).map(fromLegacyBody);
  if (imageId !== "") {
    if (devices.some(({ deviceName }) => deviceName === "/dev/vda")) {
      throw invalid("Invalid volume: The volume cannot be assigned the same device name as the root device vda");
    }
    return [imageRoot(imageId), ...devices];
  }
  const root =
    devices.find(({ deviceName, sourceType }) => deviceName === "/dev/vda" && sourceType !== "blank") ??
    devices.find(({ sourceType }) => sourceType !== "blank");
  if (root === undefined) throw badBootSequence();
  root.bootIndex = 0;
  return devices;
}

function fromLegacyBody(body: LegacyBlockDeviceBody): Device {
  const virtual = body.virtual_name ?? "";
  const isSwap = virtual === "swap";
  if (isSwap || /^ephemeral\d*$/.test(virtual)) {
    return {
      ...namesOf(body),
      ...sizesOf(body, isSwap),
      sourceType: "blank",
      sourceId: null,
      destinationType: "local",
      bootIndex: null,
      deleteOnTermination: true,
      guestFormat: isSwap ? "swap" : null,
    };
  }
  const sourceId = body.snapshot_id ?? body.volume_id;
  if (sourceId === undefined) throw badMapping("Unrecognized legacy format.");
  return {
    ...namesOf(body),
    ...sizesOf(body, false),
    sourceType: body.snapshot_id === undefined ? "volume" : "snapshot",
    sourceId,
    destinationType: "volume",
    bootIndex: null,
  };
}

/** Against the flavor, and with device names; the image's own disk is the server's, not one of these. */
export function settleBlockDevices(
  read: { imageId: string; devices: readonly Device[] },
  flavor: Limits,
): { imageId: string; disks: (WantedDisk & { deviceName: string })[] } {
  checkSizes(read.devices, flavor);
  const hasImageDisk = read.devices.some((device) => device.isImageRoot === true);
  const others = read.devices.filter((device) => device.isImageRoot !== true);
  if (others.length + 1 > MAX_DISKS) throw tooManyDisks();
  const sized = others.map((device) => ({ ...device, sizeGib: localSize(device, flavor) }));
  // root first, then what is on the host, then the rest: as they will be found in the guest
  const ordered = sized.toSorted((a, b) => rankOf(a) - rankOf(b));
  const rows = ordered.map((one) => ({ ...one, sizeGib: one.sizeGib ?? 0, deviceName: "" }));
  const taken = new Set(reservedNames({ flavor, hasImageDisk }, rows));
  return { imageId: read.imageId, disks: ordered.map((device) => nameDisk(device, taken)) };
}

export const tooManyDisks = (): CloudError =>
  forbidden(
    `The maximum allowed number of disk devices (${MAX_DISKS}) to attach to a single instance has been exceeded.`,
  );

const rankOf = (device: WantedDisk): number =>
  device.bootIndex === 0 ? 0 : device.destinationType === "local" ? (device.guestFormat === "swap" ? 2 : 1) : 3;

const localSize = (device: Device, flavor: Limits): number | null => {
  if (device.destinationType !== "local" || device.sizeGib !== null) return device.sizeGib;
  return device.guestFormat === "swap" ? Math.ceil(flavor.swapMib / 1024) : flavor.ephemeralGib;
};

function nameDisk(device: Device, taken: Set<string>): WantedDisk & { deviceName: string } {
  const wished = device.bootIndex === 0 ? "/dev/vda" : device.deviceName;
  const name = wished !== null && !taken.has(wished) ? wished : nextName(taken);
  if (name === null) throw tooManyDisks();
  taken.add(name);
  const { isImageRoot: _root, swapMib: _swap, ...disk } = device;
  return { ...disk, deviceName: name };
}

function checkSizes(devices: readonly Device[], flavor: Limits): void {
  const blanks = devices.filter((device) => device.sourceType === "blank");
  const swaps = blanks.filter((device) => device.swapMib !== undefined);
  if (swaps.length > 1) throw badMapping("More than one swap drive requested.");
  if ((swaps[0]?.swapMib ?? 0) > flavor.swapMib) {
    throw invalid("Swap drive requested is larger than instance type allows.");
  }
  const ephemeral = blanks
    .filter((device) => device.destinationType === "local" && device.swapMib === undefined)
    .reduce((sum, device) => sum + (device.sizeGib ?? flavor.ephemeralGib), 0);
  if (ephemeral > flavor.ephemeralGib) {
    throw badMapping(
      "Ephemeral disks requested are larger than the instance type allows. If no size is given in one block device mapping, flavor ephemeral size will be used.",
    );
  }
  for (const { sourceType, destinationType, sizeGib } of devices) {
    if (destinationType !== "volume" || sizeGib !== null) continue;
    if (sourceType === "image") {
      throw invalid("Images with destination_type 'volume' need to have a non-zero size specified");
    }
    if (sourceType === "blank") {
      throw invalid("Blank volumes (source: 'blank', dest: 'volume') need to have non-zero size");
    }
  }
}
