/** keystone/credential/schema.py, with lengths bounded. Members that it does not know are kept. */
import { wrapped } from "../shared/identity.schema.ts";

export const credentialMembers = ["id", "links", "blob", "project_id", "type", "user_id"] as const;

const MAX_BLOB = 16_384;
const properties = {
  blob: { type: "string", minLength: 1, maxLength: MAX_BLOB },
  project_id: { type: ["string", "null"], maxLength: 64 },
  type: { type: "string", minLength: 1, maxLength: 255 },
  user_id: { type: "string", minLength: 1, maxLength: 64 },
} as const;

export const createCredentialSchema = wrapped("credential", properties, { required: ["blob", "type", "user_id"] });
export const updateCredentialSchema = wrapped("credential", properties, { minProperties: 1 });

export const createEc2Schema = {
  type: "object",
  required: ["tenant_id"],
  properties: { tenant_id: { type: "string", minLength: 1, maxLength: 64 } },
} as const;
