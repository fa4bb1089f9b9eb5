/** The documents under /v2/schemas/metadefs (Image API v2, "Metadata Definition Schemas"). Pure. */
const text = { type: "string" } as const;
const readOnly = { readOnly: true, type: "string" } as const;
const times = { created_at: readOnly, updated_at: readOnly } as const;
const propertyBody = {
  title: text,
  description: text,
  type: { type: "string", enum: ["array", "boolean", "integer", "number", "object", "string", null] },
  operators: { type: "array", items: text },
  enum: { type: "array" },
  minimum: { type: "number" },
  maximum: { type: "number" },
  default: {},
} as const;

const property = {
  name: "property",
  properties: { name: { ...text, maxLength: 80 }, ...propertyBody },
  required: ["name"],
};
const object = {
  name: "object",
  properties: {
    name: { ...text, maxLength: 255 },
    description: text,
    required: { type: "array", items: text },
    properties: { type: "object", additionalProperties: { type: "object", properties: propertyBody } },
    self: readOnly,
    schema: readOnly,
    ...times,
  },
  required: ["name"],
};
const tag = { name: "tag", properties: { name: { ...text, maxLength: 80 }, ...times }, required: ["name"] };
const association = {
  name: "resource_type_association",
  properties: { name: { ...text, maxLength: 80 }, prefix: text, properties_target: text, ...times },
  required: ["name"],
};
const namespace = {
  name: "namespace",
  properties: {
    namespace: { ...text, maxLength: 80 },
    display_name: { ...text, maxLength: 80 },
    description: { ...text, maxLength: 500 },
    visibility: { type: "string", enum: ["public", "private"] },
    protected: { type: "boolean" },
    owner: { ...text, maxLength: 255 },
    objects: { type: "array", items: object },
    properties: { type: "object", additionalProperties: { type: "object", properties: propertyBody } },
    tags: { type: "array", items: tag },
    resource_type_associations: { type: "array", items: association },
    self: readOnly,
    schema: readOnly,
    ...times,
  },
  required: ["namespace"],
};

const several = (name: string, items: object) => ({
  name,
  properties: { [name]: { type: "array", items }, first: text, next: text, schema: text },
  links: [
    { rel: "first", href: "{first}" },
    { rel: "next", href: "{next}" },
    { rel: "describedby", href: "{schema}" },
  ],
});

/** By the last part of their address. */
export const metadefDocuments: { readonly [name: string]: object } = {
  namespace,
  namespaces: several("namespaces", namespace),
  object,
  objects: several("objects", object),
  property,
  properties: { name: "properties", properties: { properties: { type: "object", additionalProperties: property } } },
  tag,
  tags: several("tags", tag),
  resource_type: association,
  resource_types: several("resource_type_associations", association),
};
