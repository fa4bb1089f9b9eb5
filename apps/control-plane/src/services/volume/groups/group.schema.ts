/** What may be sent about groups (Block Storage API v3, "Generic volume groups"). Pure. */
import { booleanSchema, descriptionSchema, idSchema, nameSchema, uuidSchema, wrapped } from "../common/wire.ts";

export const createGroupSchema = wrapped("group", {
  type: "object",
  required: ["group_type", "volume_types"],
  additionalProperties: false,
  properties: {
    name: nameSchema,
    description: descriptionSchema,
    group_type: idSchema,
    volume_types: { type: "array", minItems: 1, maxItems: 100, uniqueItems: true, items: idSchema },
    availability_zone: { type: ["string", "null"], minLength: 1, maxLength: 255 },
  },
});
export type CreateGroupBody = {
  group: {
    name?: string | null;
    description?: string | null;
    group_type: string;
    volume_types: string[];
    availability_zone?: string | null;
  };
};

export const copyGroupSchema = wrapped("create-from-src", {
  type: "object",
  additionalProperties: false,
  properties: {
    name: nameSchema,
    description: descriptionSchema,
    group_snapshot_id: uuidSchema,
    source_group_id: uuidSchema,
  },
  oneOf: [{ required: ["group_snapshot_id"] }, { required: ["source_group_id"] }],
});
export type CopyGroupBody = {
  "create-from-src": {
    name?: string | null;
    description?: string | null;
    group_snapshot_id?: string;
    source_group_id?: string;
  };
};

/** Ids, with commas between them. */
const volumes = { type: ["string", "null"], maxLength: 8192 } as const;
export const updateGroupSchema = wrapped("group", {
  type: "object",
  minProperties: 1,
  additionalProperties: false,
  properties: { name: nameSchema, description: descriptionSchema, add_volumes: volumes, remove_volumes: volumes },
});
export type UpdateGroupBody = {
  group: {
    name?: string | null;
    description?: string | null;
    add_volumes?: string | null;
    remove_volumes?: string | null;
  };
};

const object = (properties: object, required: string[] = []) =>
  ({ type: "object", properties, required, additionalProperties: false }) as const;
export const resetSchema = object({ status: { type: "string", minLength: 1, maxLength: 255 } }, ["status"]);

/** What each action takes, and the microversion it came with. */
export const GROUP_ACTIONS = {
  delete: { since: 13, schema: object({ "delete-volumes": booleanSchema }) },
  reset_status: { since: 20, schema: resetSchema },
  enable_replication: { since: 38, schema: { type: "object" } },
  disable_replication: { since: 38, schema: { type: "object" } },
  failover_replication: {
    since: 38,
    schema: object({
      allow_attached_volume: booleanSchema,
      secondary_backend_id: { type: ["string", "null"], maxLength: 255 },
    }),
  },
  list_replication_targets: { since: 38, schema: { type: "object" } },
} as const;
export type GroupAction = keyof typeof GROUP_ACTIONS;
