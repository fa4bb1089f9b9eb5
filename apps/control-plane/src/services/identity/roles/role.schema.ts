import { identityName, immutableOption, nullableId, nullableText, wrapped } from "../shared/identity.schema.ts";

/** Members of a role's body that have a place of their own. */
export const roleMembers = ["id", "links", "name", "description", "domain_id", "options"] as const;

const properties = {
  name: identityName,
  description: nullableText,
  domain_id: nullableId,
  options: immutableOption,
} as const;

export const createRoleSchema = wrapped("role", properties, { required: ["name"] });
export const updateRoleSchema = wrapped("role", properties, { minProperties: 1 });
