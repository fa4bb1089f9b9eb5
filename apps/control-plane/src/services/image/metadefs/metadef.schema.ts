/** Bodies of metadata definitions. What is inside an object or a property is the client's own JSON schema: kept, not judged. */
const name = { type: "string", minLength: 1, maxLength: 80 } as const;
const text = { type: ["string", "null"], maxLength: 500 } as const;

const named = { type: "object", required: ["name"], properties: { name, description: text } } as const;
const several = { type: "array", maxItems: 200, items: named } as const;
const properties = { type: "object", maxProperties: 200, additionalProperties: { type: "object" } } as const;

export const namespaceSchema = {
  type: "object",
  required: ["namespace"],
  additionalProperties: false,
  properties: {
    namespace: { ...name, pattern: "^[^/]+$" },
    display_name: { type: ["string", "null"], maxLength: 80 },
    description: text,
    visibility: { type: "string", enum: ["public", "private"] },
    protected: { type: "boolean" },
    owner: { type: "string", maxLength: 255 },
    objects: several,
    properties,
    tags: several,
    resource_type_associations: several,
    self: { type: "string" },
    schema: { type: "string" },
    created_at: { type: "string" },
    updated_at: { type: "string" },
  },
} as const;

export const itemSchema = named;
export const tagsSchema = {
  type: "object",
  required: ["tags"],
  properties: { tags: { type: "array", maxItems: 1000, items: named } },
} as const;
