/** A server's block device mappings as they may be sent, old and new. Pure. */
import type { JsonSchema } from "../../../http/service.ts";
import { booleanSchema, integerSchema, uuidSchema } from "../common/wire.ts";
import type { DestinationType, SourceType } from "./server-disk.model.ts";

const deviceName = { type: "string", minLength: 1, maxLength: 255, pattern: "^[a-zA-Z0-9._/-]*$" } as const;
const volumeSize = { anyOf: [...integerSchema(0).anyOf, { type: "string", maxLength: 0 }, { type: "null" }] } as const;

const legacy = {
  virtual_name: { type: "string", maxLength: 255 },
  volume_id: uuidSchema,
  snapshot_id: uuidSchema,
  volume_size: volumeSize,
  device_name: deviceName,
  delete_on_termination: booleanSchema,
  no_device: {},
  connection_info: { type: "string", maxLength: 65_535 },
} as const;

const mapping = {
  ...legacy,
  source_type: { enum: ["volume", "image", "snapshot", "blank"] },
  destination_type: { enum: ["local", "volume"] },
  uuid: { type: "string", minLength: 1, maxLength: 255, pattern: "^[a-zA-Z0-9._-]*$" },
  image_id: uuidSchema,
  boot_index: {
    type: ["integer", "string", "null"],
    pattern: "^-?[0-9]{1,6}$",
    minimum: -1_000_000,
    maximum: 1_000_000,
  },
  guest_format: { type: ["string", "null"], maxLength: 255 },
  device_type: { type: ["string", "null"], maxLength: 255 },
  disk_bus: { enum: ["fdc", "ide", "sata", "scsi", "usb", "virtio", "xen", "lxc", "uml", null] },
} as const;

const list = (properties: object): JsonSchema => ({
  type: "array",
  maxItems: 255,
  items: { type: "object", additionalProperties: false, properties },
});

export const legacyBlockDevices = list(legacy);
export const blockDevices = (more: object = {}): JsonSchema => list({ ...mapping, ...more });

export type LegacyBlockDeviceBody = {
  virtual_name?: string;
  volume_id?: string;
  snapshot_id?: string;
  volume_size?: number | string | null;
  device_name?: string;
  delete_on_termination?: boolean | string;
  no_device?: unknown;
};
export type BlockDeviceBody = LegacyBlockDeviceBody & {
  source_type?: SourceType;
  destination_type?: DestinationType;
  uuid?: string;
  image_id?: string;
  boot_index?: number | string | null;
  guest_format?: string | null;
  tag?: string;
  volume_type?: string | null;
};
