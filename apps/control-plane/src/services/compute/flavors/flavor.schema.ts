/** What may be sent about flavors (Compute API, "Flavors"). */
import { booleanSchema, descriptionSchema, integerSchema, nameSchema } from "../common/wire.ts";

const createProperties = {
  name: nameSchema,
  id: {
    anyOf: [
      { type: "string", minLength: 1, maxLength: 255, pattern: "^(?! )[a-zA-Z0-9. _-]+(?<! )$" },
      { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
      { type: "null" },
    ],
  },
  ram: integerSchema(1),
  vcpus: integerSchema(1),
  disk: integerSchema(0),
  "OS-FLV-EXT-DATA:ephemeral": integerSchema(0),
  swap: { anyOf: [...integerSchema(0).anyOf, { type: "string", maxLength: 0 }] },
  rxtx_factor: {
    anyOf: [
      { type: "number", exclusiveMinimum: 0, maximum: 3.4e38 },
      { type: "string", pattern: "^[0-9]+(\\.[0-9]+)?$", maxLength: 40 },
    ],
  },
  "os-flavor-access:is_public": booleanSchema,
} as const;

const createBody = (properties: object) => ({
  type: "object",
  required: ["flavor"],
  additionalProperties: false,
  properties: {
    flavor: { type: "object", required: ["name", "ram", "vcpus", "disk"], additionalProperties: false, properties },
  },
});

export const createFlavorSchema = [
  { since: 0, schema: createBody(createProperties) },
  { since: 55, schema: createBody({ ...createProperties, description: descriptionSchema }) },
];

export type CreateFlavorBody = {
  flavor: {
    name: string;
    id?: string | number | null;
    ram: number | string;
    vcpus: number | string;
    disk: number | string;
    "OS-FLV-EXT-DATA:ephemeral"?: number | string;
    swap?: number | string;
    rxtx_factor?: number | string;
    "os-flavor-access:is_public"?: boolean | string;
    description?: string | null;
  };
};

export const updateFlavorSchema = {
  type: "object",
  required: ["flavor"],
  additionalProperties: false,
  properties: {
    flavor: {
      type: "object",
      required: ["description"],
      additionalProperties: false,
      properties: { description: descriptionSchema },
    },
  },
} as const;
export type UpdateFlavorBody = { flavor: { description: string | null } };

const specKey = "^[a-zA-Z0-9-_:. ]{1,255}$";
/** Numbers and booleans are taken as their text. */
const specValue = { type: ["string", "number", "boolean"], maxLength: 255 } as const;

export const extraSpecsSchema = {
  type: "object",
  required: ["extra_specs"],
  additionalProperties: false,
  properties: {
    extra_specs: {
      type: "object",
      propertyNames: { pattern: specKey },
      additionalProperties: specValue,
      maxProperties: 1000,
    },
  },
} as const;
export type ExtraSpecsBody = { extra_specs: { [key: string]: string | number | boolean } };

export const oneExtraSpecSchema = {
  type: "object",
  minProperties: 1,
  maxProperties: 1,
  propertyNames: { pattern: specKey },
  additionalProperties: specValue,
} as const;
export type OneExtraSpecBody = { [key: string]: string | number | boolean };

const tenant = {
  type: "object",
  required: ["tenant"],
  additionalProperties: false,
  properties: { tenant: { type: "string", minLength: 1, maxLength: 255 } },
} as const;
export const flavorActionSchema = {
  oneOf: ["addTenantAccess", "removeTenantAccess"].map((name) => ({
    type: "object",
    required: [name],
    additionalProperties: false,
    properties: { [name]: tenant },
  })),
};
export type FlavorActionBody = { addTenantAccess: { tenant: string } } | { removeTenantAccess: { tenant: string } };
