/** What may be sent about snapshots (Block Storage API v3, "Volume snapshots"). Pure. */
import {
  type MetadataInput,
  booleanSchema,
  descriptionSchema,
  nameSchema,
  nullableMetadataSchema,
  wrapped,
} from "../common/wire.ts";

export const createSnapshotSchema = wrapped("snapshot", {
  type: "object",
  required: ["volume_id"],
  additionalProperties: false,
  properties: {
    name: nameSchema,
    display_name: nameSchema,
    description: descriptionSchema,
    // any text, and nothing: there is no such volume
    volume_id: { type: ["string", "null"], maxLength: 255 },
    force: { anyOf: [...booleanSchema.anyOf, { type: "null" }] },
    metadata: nullableMetadataSchema,
  },
});
export type CreateSnapshotBody = {
  snapshot: {
    name?: string | null;
    display_name?: string | null;
    description?: string | null;
    volume_id: string | null;
    force?: boolean | string | null;
    metadata?: MetadataInput | null;
  };
};

const names = {
  name: nameSchema,
  description: descriptionSchema,
  display_name: nameSchema,
  display_description: descriptionSchema,
} as const;
export const updateSnapshotSchema = wrapped("snapshot", {
  type: "object",
  minProperties: 1,
  additionalProperties: false,
  properties: names,
});
export type UpdateSnapshotBody = {
  snapshot: {
    name?: string | null;
    description?: string | null;
    display_name?: string | null;
    display_description?: string | null;
  };
};

const object = (properties: object, required: string[]) =>
  ({ type: "object", properties, required, additionalProperties: false }) as const;

export const SNAPSHOT_ACTION_SCHEMAS = {
  "os-reset_status": object({ status: { type: "string", minLength: 1, maxLength: 255 } }, ["status"]),
  "os-force_delete": {},
  "os-unmanage": {},
  "os-update_snapshot_status": object(
    {
      status: { type: "string", maxLength: 255 },
      progress: {
        anyOf: [
          { type: "string", pattern: "^[0-9]{1,3}%?$" },
          { type: "integer", minimum: 0, maximum: 100 },
        ],
      },
    },
    ["status"],
  ),
} as const;
export type SnapshotAction = keyof typeof SNAPSHOT_ACTION_SCHEMAS;
