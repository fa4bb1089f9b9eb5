/** What may be sent about volumes (Block Storage API v3, "Volumes"), by microversion. Pure. */
import {
  type MetadataInput,
  booleanSchema,
  descriptionSchema,
  idSchema,
  integerSchema,
  metadataSchema,
  nameSchema,
  nullableMetadataSchema,
  nullableUuidSchema,
  wrapped,
} from "../common/wire.ts";

const size = { anyOf: [...integerSchema(1).anyOf, { type: "null" }] } as const;
const optionalText = { type: ["string", "null"], maxLength: 255 } as const;

const fields = {
  name: nameSchema,
  description: descriptionSchema,
  display_name: nameSchema,
  display_description: descriptionSchema,
  volume_type: optionalText,
  metadata: nullableMetadataSchema,
  snapshot_id: nullableUuidSchema,
  source_volid: nullableUuidSchema,
  consistencygroup_id: nullableUuidSchema,
  size,
  availability_zone: { type: ["string", "null"], minLength: 1, maxLength: 255 },
  multiattach: { anyOf: [...booleanSchema.anyOf, { type: "null" }] },
  image_id: optionalText,
  imageRef: optionalText,
} as const;

const body = (properties: object, strict: boolean) =>
  ({
    type: "object",
    required: ["volume"],
    additionalProperties: false,
    properties: {
      volume: { type: "object", properties, additionalProperties: !strict },
      "OS-SCH-HNT:scheduler_hints": { type: ["object", "null"] },
    },
  }) as const;

export const createVolumeSchema = [
  { since: 0, schema: body(fields, false) },
  { since: 13, schema: body({ ...fields, group_id: optionalText }, false) },
  { since: 47, schema: body({ ...fields, group_id: optionalText, backup_id: nullableUuidSchema }, false) },
  { since: 53, schema: body({ ...fields, group_id: optionalText, backup_id: nullableUuidSchema }, true) },
];

export type CreateVolumeBody = {
  volume: {
    name?: string | null;
    description?: string | null;
    display_name?: string | null;
    display_description?: string | null;
    volume_type?: string | null;
    metadata?: MetadataInput | null;
    snapshot_id?: string | null;
    source_volid?: string | null;
    consistencygroup_id?: string | null;
    size?: number | string | null;
    availability_zone?: string | null;
    multiattach?: boolean | string | null;
    image_id?: string | null;
    imageRef?: string | null;
    group_id?: string | null;
    backup_id?: string | null;
  };
};

const names = {
  name: nameSchema,
  description: descriptionSchema,
  display_name: nameSchema,
  display_description: descriptionSchema,
  metadata: metadataSchema,
} as const;

export const updateVolumeSchema = [
  { since: 0, schema: wrapped("volume", { type: "object", properties: names, additionalProperties: false }) },
  {
    since: 53,
    schema: wrapped("volume", { type: "object", minProperties: 1, properties: names, additionalProperties: false }),
  },
];
export type UpdateVolumeBody = {
  volume: Pick<
    CreateVolumeBody["volume"],
    "name" | "description" | "display_name" | "display_description" | "metadata"
  >;
};

export const metadataBodySchema = wrapped("metadata", metadataSchema);
export type MetadataBody = { metadata: MetadataInput };
export const metaBodySchema = wrapped("meta", { ...metadataSchema, minProperties: 1, maxProperties: 1 });
export type MetaBody = { meta: MetadataInput };

/** The first member names the action; what is in it is checked by the action's own schema. */
export const actionBodySchema = { type: "object", minProperties: 1, maxProperties: 1 } as const;
export type ActionBody = { [action: string]: unknown };

const object = (properties: object, required: string[] = []) =>
  ({ type: "object", properties, required, additionalProperties: false }) as const;
const anything = {} as const;
const uuidOrNull = { type: ["string", "null"], maxLength: 255 } as const;

const upload = {
  image_name: { type: "string", minLength: 1, maxLength: 255 },
  force: booleanSchema,
  disk_format: { type: "string", enum: ["raw", "vmdk", "vdi", "qcow2", "vhd", "vhdx", "ploop"] },
  container_format: { type: ["string", "null"], maxLength: 255 },
} as const;

/** What each action takes, from a microversion on. */
export const ACTION_SCHEMAS = {
  "os-attach": [
    {
      since: 0,
      schema: {
        ...object(
          {
            instance_uuid: idSchema,
            mountpoint: { type: "string", minLength: 1, maxLength: 255 },
            host_name: { type: "string", maxLength: 255 },
            mode: { type: "string", enum: ["rw", "ro"] },
          },
          ["mountpoint"],
        ),
        anyOf: [{ required: ["instance_uuid"] }, { required: ["host_name"] }],
      },
    },
  ],
  "os-detach": [{ since: 0, schema: { ...object({ attachment_id: uuidOrNull }), type: ["object", "null"] } }],
  "os-reserve": [{ since: 0, schema: anything }],
  "os-unreserve": [{ since: 0, schema: anything }],
  "os-begin_detaching": [{ since: 0, schema: anything }],
  "os-roll_detaching": [{ since: 0, schema: anything }],
  "os-initialize_connection": [
    { since: 0, schema: object({ connector: { type: ["object", "string"] } }, ["connector"]) },
  ],
  "os-terminate_connection": [
    { since: 0, schema: object({ connector: { type: ["object", "string", "null"] } }, ["connector"]) },
  ],
  "os-extend": [{ since: 0, schema: object({ new_size: integerSchema(1) }, ["new_size"]) }],
  "os-retype": [
    {
      since: 0,
      schema: object(
        {
          new_type: { type: "string", maxLength: 255 },
          migration_policy: { type: ["string", "null"], enum: ["on-demand", "never", null] },
        },
        ["new_type"],
      ),
    },
  ],
  "os-set_bootable": [{ since: 0, schema: object({ bootable: booleanSchema }, ["bootable"]) }],
  "os-update_readonly_flag": [{ since: 0, schema: object({ readonly: booleanSchema }, ["readonly"]) }],
  "os-volume_upload_image": [
    { since: 0, schema: object(upload, ["image_name"]) },
    {
      since: 1,
      schema: object(
        {
          ...upload,
          visibility: { type: "string", enum: ["community", "public", "private", "shared"] },
          protected: booleanSchema,
        },
        ["image_name"],
      ),
    },
  ],
  "os-set_image_metadata": [{ since: 0, schema: object({ metadata: metadataSchema }, ["metadata"]) }],
  "os-unset_image_metadata": [
    { since: 0, schema: object({ key: { type: "string", minLength: 1, maxLength: 255 } }, ["key"]) },
  ],
  "os-show_image_metadata": [{ since: 0, schema: anything }],
  "os-reset_status": [
    {
      since: 0,
      schema: {
        ...object({
          status: { type: ["string", "null"], maxLength: 255 },
          attach_status: { type: ["string", "null"], enum: ["attached", "detached", null] },
          migration_status: {
            type: ["string", "null"],
            enum: ["migrating", "error", "success", "completing", "none", "starting", null],
          },
        }),
        minProperties: 1,
      },
    },
  ],
  "os-force_detach": [
    {
      since: 0,
      schema: object({
        connector: { type: ["string", "object", "null"] },
        attachment_id: uuidOrNull,
      }),
    },
  ],
  "os-force_delete": [{ since: 0, schema: anything }],
  "os-migrate_volume": [
    {
      since: 0,
      schema: object(
        {
          host: { type: "string", minLength: 1, maxLength: 255 },
          force_host_copy: booleanSchema,
          lock_volume: booleanSchema,
        },
        ["host"],
      ),
    },
    {
      since: 16,
      schema: object({
        host: { type: ["string", "null"], maxLength: 255 },
        cluster: { type: ["string", "null"], maxLength: 255 },
        force_host_copy: booleanSchema,
        lock_volume: booleanSchema,
      }),
    },
  ],
  "os-migrate_volume_completion": [
    { since: 0, schema: object({ new_volume: idSchema, error: booleanSchema }, ["new_volume"]) },
  ],
  "os-unmanage": [{ since: 0, schema: anything }],
  "os-reimage": [{ since: 68, schema: object({ image_id: idSchema, reimage_reserved: booleanSchema }, ["image_id"]) }],
  revert: [
    {
      since: 40,
      schema: { type: "object", properties: { snapshot_id: { type: ["string", "null"], maxLength: 255 } } },
    },
  ],
} as const;

export type VolumeAction = keyof typeof ACTION_SCHEMAS;
