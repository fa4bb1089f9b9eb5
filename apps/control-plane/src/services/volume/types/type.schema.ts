/** What may be sent about volume types and QoS specs. Pure. */
import {
  booleanSchema,
  descriptionSchema,
  idSchema,
  integerSchema,
  requiredNameSchema,
  wrapped,
} from "../common/wire.ts";

const specs = {
  type: "object",
  propertyNames: { type: "string", minLength: 1, maxLength: 255, pattern: "^[a-zA-Z0-9-_:. ]{1,255}$" },
  additionalProperties: { type: ["string", "null"], maxLength: 255 },
} as const;

export const createTypeSchema = wrapped("volume_type", {
  type: "object",
  required: ["name"],
  additionalProperties: false,
  properties: {
    name: requiredNameSchema,
    description: descriptionSchema,
    extra_specs: { anyOf: [specs, { type: "null" }] },
    "os-volume-type-access:is_public": booleanSchema,
  },
});
export type CreateTypeBody = {
  volume_type: {
    name: string;
    description?: string | null;
    extra_specs?: { [key: string]: string | null } | null;
    "os-volume-type-access:is_public"?: boolean | string;
  };
};

export const updateTypeSchema = wrapped("volume_type", {
  type: "object",
  additionalProperties: false,
  properties: {
    name: { type: ["string", "null"], maxLength: 255 },
    description: descriptionSchema,
    is_public: booleanSchema,
  },
});
export type UpdateTypeBody = {
  volume_type: { name?: string | null; description?: string | null; is_public?: boolean | string };
};

export const extraSpecsSchema = wrapped("extra_specs", { ...specs, minProperties: 1 });
export type ExtraSpecsBody = { extra_specs: { [key: string]: string | null } };
export const extraSpecSchema = { ...specs, minProperties: 1, maxProperties: 1 } as const;
export type ExtraSpecBody = { [key: string]: string | null };

const project = {
  type: "object",
  required: ["project"],
  additionalProperties: false,
  properties: { project: idSchema },
} as const;
export const typeActionSchema = {
  type: "object",
  minProperties: 1,
  maxProperties: 1,
  additionalProperties: false,
  properties: { addProjectAccess: project, removeProjectAccess: project },
} as const;
export type TypeActionBody = { addProjectAccess?: { project: string }; removeProjectAccess?: { project: string } };

const encryption = {
  key_size: { anyOf: [...integerSchema(0).anyOf, { type: "null" }] },
  provider: { type: "string", minLength: 0, maxLength: 255 },
  control_location: { enum: ["front-end", "back-end"] },
  cipher: { type: ["string", "null"], maxLength: 255 },
} as const;
export const createEncryptionSchema = wrapped("encryption", {
  type: "object",
  required: ["provider", "control_location"],
  properties: encryption,
});
export const updateEncryptionSchema = wrapped("encryption", { type: "object", properties: encryption });
export type EncryptionBody = {
  encryption: {
    key_size?: number | string | null;
    provider?: string;
    control_location?: string;
    cipher?: string | null;
  };
};

const value = { type: ["string", "number", "boolean"], maxLength: 255 } as const;
const qosKeys = { type: "string", minLength: 1, maxLength: 255, pattern: "^[a-zA-Z0-9-_:. ]{1,255}$" } as const;
export const createQosSchema = wrapped("qos_specs", {
  type: "object",
  required: ["name"],
  propertyNames: qosKeys,
  properties: { name: requiredNameSchema, consumer: { type: "string", enum: ["front-end", "back-end", "both"] } },
  additionalProperties: value,
});
export const updateQosSchema = wrapped("qos_specs", {
  type: "object",
  minProperties: 1,
  propertyNames: qosKeys,
  properties: { consumer: { type: "string", enum: ["front-end", "back-end", "both"] } },
  additionalProperties: value,
});
export type QosBody = {
  qos_specs: { name?: string; consumer?: string; [key: string]: string | number | boolean | undefined };
};
export const deleteKeysSchema = wrapped("keys", { type: "array", minItems: 1, maxItems: 200, items: qosKeys });
export type DeleteKeysBody = { keys: string[] };

export const defaultTypeSchema = wrapped("default_type", {
  type: "object",
  required: ["volume_type"],
  additionalProperties: false,
  properties: { volume_type: idSchema },
});
export type DefaultTypeBody = { default_type: { volume_type: string } };
