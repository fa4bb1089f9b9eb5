/** `POST /v3/OS-TRUST/trusts` (keystone/trust/schema.py). Members that it does not know are kept. */
import { identityName } from "../shared/identity.schema.ts";

const INT4 = 2147483647;
const anyId = { type: "string", minLength: 1, maxLength: 64 } as const;

export const trustMembers = [
  "id",
  "links",
  "trustor_user_id",
  "trustee_user_id",
  "impersonation",
  "project_id",
  "remaining_uses",
  "expires_at",
  "allow_redelegation",
  "redelegation_count",
  "redelegated_trust_id",
  "deleted_at",
  "roles",
  "roles_links",
] as const;

export const createTrustSchema = {
  type: "object",
  required: ["trust"],
  additionalProperties: false,
  properties: {
    trust: {
      type: "object",
      required: ["trustee_user_id", "trustor_user_id", "impersonation"],
      properties: {
        trustor_user_id: anyId,
        trustee_user_id: anyId,
        impersonation: { type: "boolean" },
        project_id: { type: ["string", "null"], maxLength: 64 },
        remaining_uses: { type: ["integer", "null"], minimum: 1, maximum: INT4 },
        expires_at: { type: ["string", "null"], maxLength: 64 },
        allow_redelegation: { type: ["boolean", "null"] },
        redelegation_count: { type: ["integer", "null"], minimum: 0, maximum: INT4 },
        roles: {
          type: "array",
          maxItems: 64,
          items: {
            type: "object",
            minProperties: 1,
            maxProperties: 1,
            additionalProperties: false,
            properties: { id: anyId, name: identityName },
          },
        },
      },
    },
  },
} as const;
