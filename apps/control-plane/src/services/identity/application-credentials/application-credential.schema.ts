import { idString, identityName } from "../shared/identity.schema.ts";

const roleRef = {
  type: "object",
  minProperties: 1,
  maxProperties: 1,
  additionalProperties: false,
  properties: { id: idString, name: identityName },
} as const;

/** A new rule, or one that is there already. */
const accessRule = {
  type: "object",
  additionalProperties: false,
  anyOf: [{ required: ["id"] }, { required: ["service", "path", "method"] }],
  properties: {
    id: idString,
    service: { type: "string", minLength: 1, maxLength: 64, pattern: "^[a-zA-Z0-9_-]+$" },
    path: { type: "string", minLength: 1, maxLength: 225, pattern: "^/" },
    method: { type: "string", enum: ["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"] },
  },
} as const;

/** As Keystone's: unknown members are refused here. */
export const createApplicationCredentialSchema = {
  type: "object",
  required: ["application_credential"],
  additionalProperties: false,
  properties: {
    application_credential: {
      type: "object",
      required: ["name"],
      additionalProperties: false,
      properties: {
        id: { type: "string", maxLength: 64 },
        name: identityName,
        description: { type: ["string", "null"], maxLength: 255 },
        secret: { type: ["string", "null"], minLength: 1, maxLength: 4096 },
        expires_at: { type: ["string", "null"], maxLength: 64 },
        project_id: { type: "string", maxLength: 64 },
        roles: { type: "array", items: roleRef, maxItems: 64 },
        unrestricted: { type: ["boolean", "null"] },
        system: { type: "null" },
        access_rules: { type: ["array", "null"], maxItems: 32, items: accessRule },
      },
    },
  },
} as const;
