import { immutableOption, nullableText, shortName, tags, wrapped } from "../shared/identity.schema.ts";

/** Members of a domain's body that have a place of their own. */
export const domainMembers = ["id", "links", "name", "description", "enabled", "tags", "options", "directory"] as const;

const properties = {
  name: shortName,
  description: nullableText,
  enabled: { type: "boolean" },
  tags,
  options: immutableOption,
} as const;

export const createDomainSchema = wrapped("domain", properties, { required: ["name"] });
export const updateDomainSchema = wrapped("domain", properties, { minProperties: 1 });
