import { identityName, nullableId, password, wrapped } from "../shared/identity.schema.ts";
import { userOptionsSchema } from "./user-options.ts";

/** Members of a user's body that have a place of their own, and those that must never be kept as they come. */
export const userMembers = [
  "id",
  "links",
  "name",
  "domain_id",
  "default_project_id",
  "enabled",
  "password",
  "original_password",
  "password_expires_at",
  "options",
  "federated",
] as const;

const properties = {
  name: identityName,
  domain_id: nullableId,
  default_project_id: nullableId,
  enabled: { type: "boolean" },
  password,
  email: { type: ["string", "null"], maxLength: 255 },
  description: { type: ["string", "null"], maxLength: 255 },
  options: userOptionsSchema,
  // accounts of other providers are linked when federation is there
  federated: { type: "array", maxItems: 0 },
} as const;

export const createUserSchema = wrapped("user", properties, { required: ["name"] });
export const updateUserSchema = wrapped("user", properties, { minProperties: 1 });

const chosen = { type: "string", minLength: 1, maxLength: 4096 } as const;
export const changePasswordSchema = {
  type: "object",
  required: ["user"],
  additionalProperties: false,
  properties: {
    user: {
      type: "object",
      required: ["password", "original_password"],
      additionalProperties: false,
      properties: { password: chosen, original_password: { type: "string", maxLength: 4096 } },
    },
  },
} as const;
