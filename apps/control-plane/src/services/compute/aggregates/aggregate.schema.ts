/** What may be sent about aggregates (Compute API, "Host aggregates"). Pure. */
import type { JsonSchema } from "../../../http/service.ts";
import { nameSchema, uuidSchema } from "../common/wire.ts";

/** No colon: `zone:host` means something else to whoever makes a server. */
const zone = {
  anyOf: [
    { ...nameSchema, pattern: "^[^\\p{C}\\p{Zl}\\p{Zp}:]*[^\\p{C}\\p{Z}:][^\\p{C}\\p{Zl}\\p{Zp}:]*$" },
    { type: "null" },
  ],
} as const;
const host = { type: "string", minLength: 1, maxLength: 255, pattern: "^[a-zA-Z0-9-._]*$" } as const;

const wrap = (name: string, inner: object): JsonSchema => ({
  type: "object",
  required: [name],
  additionalProperties: false,
  properties: { [name]: { type: "object", additionalProperties: false, ...inner } },
});
const properties = { name: nameSchema, availability_zone: zone };

export const createAggregateSchema = wrap("aggregate", { required: ["name"], properties });
export const updateAggregateSchema = wrap("aggregate", { minProperties: 1, properties });
export type AggregateBody = { aggregate: { name?: string; availability_zone?: string | null } };

const metadata = {
  type: "object",
  maxProperties: 1000,
  propertyNames: { pattern: "^[a-zA-Z0-9-_:. ]{1,255}$" },
  additionalProperties: { type: ["string", "null"], maxLength: 255 },
};
export const aggregateActionSchema = {
  oneOf: [
    wrap("add_host", { required: ["host"], properties: { host } }),
    wrap("remove_host", { required: ["host"], properties: { host } }),
    wrap("set_metadata", { required: ["metadata"], properties: { metadata } }),
  ],
};
export type AggregateActionBody =
  | { add_host: { host: string } }
  | { remove_host: { host: string } }
  | { set_metadata: { metadata: { [key: string]: string | null } } };

export const aggregateImagesSchema = {
  type: "object",
  required: ["cache"],
  additionalProperties: false,
  properties: {
    cache: {
      type: "array",
      minItems: 1,
      maxItems: 1000,
      items: { type: "object", required: ["id"], additionalProperties: false, properties: { id: uuidSchema } },
    },
  },
} as const;
export type AggregateImagesBody = { cache: { id: string }[] };
