/** What may be sent to Nova's older doors to volumes (Compute API, the deprecated `os-volumes`, `os-snapshots`). Pure. */
import { booleanSchema, integerSchema } from "../common/wire.ts";

const text = { type: ["string", "null"], maxLength: 255, pattern: "^[^\\u0000]*$" } as const;
const id = { type: "string", minLength: 1, maxLength: 255 } as const;

export const volumeProxySchema = {
  type: "object",
  required: ["volume"],
  additionalProperties: false,
  properties: {
    volume: {
      type: "object",
      required: ["size"],
      additionalProperties: false,
      properties: {
        size: integerSchema(1),
        volume_type: text,
        metadata: { type: "object", maxProperties: 128, additionalProperties: { type: "string", maxLength: 255 } },
        snapshot_id: text,
        availability_zone: text,
        display_name: text,
        display_description: text,
      },
    },
  },
} as const;
export type VolumeProxyBody = {
  volume: {
    size: number | string;
    volume_type?: string | null;
    metadata?: { [key: string]: string };
    snapshot_id?: string | null;
    availability_zone?: string | null;
    display_name?: string | null;
    display_description?: string | null;
  };
};

export const snapshotProxySchema = {
  type: "object",
  required: ["snapshot"],
  additionalProperties: false,
  properties: {
    snapshot: {
      type: "object",
      required: ["volume_id"],
      additionalProperties: false,
      properties: { volume_id: id, force: booleanSchema, display_name: text, display_description: text },
    },
  },
} as const;
export type SnapshotProxyBody = {
  snapshot: {
    volume_id: string;
    force?: boolean | string;
    display_name?: string | null;
    display_description?: string | null;
  };
};
