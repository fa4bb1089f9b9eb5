/** What may be sent about types of groups. Pure. */
import { booleanSchema, descriptionSchema, requiredNameSchema, wrapped } from "../common/wire.ts";

const specs = {
  type: "object",
  maxProperties: 200,
  propertyNames: { type: "string", minLength: 1, maxLength: 255, pattern: "^[a-zA-Z0-9-_:.]{1,255}$" },
  additionalProperties: { type: ["string", "null"], maxLength: 255 },
} as const;
type Specs = { [key: string]: string | null };

export const createGroupTypeSchema = wrapped("group_type", {
  type: "object",
  required: ["name"],
  additionalProperties: false,
  properties: {
    name: requiredNameSchema,
    description: descriptionSchema,
    is_public: booleanSchema,
    group_specs: { anyOf: [specs, { type: "null" }] },
  },
});
export type CreateGroupTypeBody = {
  group_type: {
    name: string;
    description?: string | null;
    is_public?: boolean | string;
    group_specs?: Specs | null;
  };
};

export const updateGroupTypeSchema = wrapped("group_type", {
  type: "object",
  additionalProperties: false,
  properties: {
    name: { type: ["string", "null"], maxLength: 255 },
    description: descriptionSchema,
    is_public: booleanSchema,
  },
});
export type UpdateGroupTypeBody = {
  group_type: { name?: string | null; description?: string | null; is_public?: boolean | string };
};

export const groupSpecsSchema = wrapped("group_specs", specs);
export type GroupSpecsBody = { group_specs: Specs };
export const groupSpecSchema = { ...specs, minProperties: 1, maxProperties: 1 } as const;
export type GroupSpecBody = Specs;
