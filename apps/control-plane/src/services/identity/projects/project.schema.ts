import { immutableOption, nullableId, nullableText, shortName, tag, tags, wrapped } from "../shared/identity.schema.ts";

/** Members of a project's body that have a place of their own. */
export const projectMembers = [
  "id",
  "links",
  "name",
  "description",
  "enabled",
  "domain_id",
  "parent_id",
  "is_domain",
  "tags",
  "options",
] as const;

const properties = {
  name: shortName,
  description: nullableText,
  enabled: { type: "boolean" },
  domain_id: nullableId,
  parent_id: nullableId,
  is_domain: { type: "boolean" },
  tags,
  options: immutableOption,
} as const;

export const createProjectSchema = wrapped("project", properties, { required: ["name"] });
export const updateProjectSchema = wrapped("project", properties, { minProperties: 1 });

export const replaceTagsSchema = {
  type: "object",
  required: ["tags"],
  additionalProperties: false,
  properties: { tags },
} as const;
/** A tag named in a path. */
export const tagSchema = tag;
