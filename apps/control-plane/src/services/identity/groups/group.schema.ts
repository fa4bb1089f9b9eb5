import { identityName, nullableId, nullableText, wrapped } from "../shared/identity.schema.ts";

/** Members of a group's body that have a place of their own. */
export const groupMembers = ["id", "links", "name", "description", "domain_id"] as const;

const properties = { name: identityName, description: nullableText, domain_id: nullableId } as const;

export const createGroupSchema = wrapped("group", properties, { required: ["name"] });
export const updateGroupSchema = wrapped("group", properties, { minProperties: 1 });
