/** keystone/limit/schema.py. Unknown members are refused here. */
const INT4 = 2147483647;
const id = { type: "string", minLength: 1, maxLength: 64 } as const;
const regionId = { type: ["string", "null"], maxLength: 255 } as const;
const resourceName = { type: "string", minLength: 1, maxLength: 255, pattern: "\\S" } as const;
const amount = { type: "integer", minimum: -1, maximum: INT4 } as const;
const description = { type: ["string", "null"], maxLength: 1024 } as const;

const several = (member: string, properties: object, rules: object) =>
  ({
    type: "object",
    required: [member],
    additionalProperties: false,
    properties: {
      [member]: {
        type: "array",
        minItems: 1,
        maxItems: 100,
        items: { type: "object", additionalProperties: false, properties, ...rules },
      },
    },
  }) as const;

const one = (member: string, properties: object) =>
  ({
    type: "object",
    required: [member],
    additionalProperties: false,
    properties: { [member]: { type: "object", additionalProperties: false, properties, minProperties: 1 } },
  }) as const;

const registered = {
  service_id: id,
  region_id: regionId,
  resource_name: resourceName,
  default_limit: amount,
  description,
} as const;

export const createRegisteredLimitsSchema = several("registered_limits", registered, {
  required: ["service_id", "resource_name", "default_limit"],
});
export const updateRegisteredLimitSchema = one("registered_limit", registered);

export const createLimitsSchema = several(
  "limits",
  {
    project_id: id,
    domain_id: id,
    service_id: id,
    region_id: regionId,
    resource_name: resourceName,
    resource_limit: amount,
    description,
  },
  {
    required: ["service_id", "resource_name", "resource_limit"],
    oneOf: [{ required: ["project_id"] }, { required: ["domain_id"] }],
  },
);
export const updateLimitSchema = one("limit", { resource_limit: amount, description });
