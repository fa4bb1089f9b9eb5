/** Pieces that many of Keystone's bodies have in common (keystone/api/validation/parameter_types.py says the same). */

/** Not only blanks. */
export const identityName = { type: "string", minLength: 1, maxLength: 255, pattern: "\\S" } as const;
/** Domains' and projects' names are shorter. */
export const shortName = { type: "string", minLength: 1, maxLength: 64, pattern: "\\S" } as const;
export const idString = { type: "string", minLength: 1, maxLength: 64, pattern: "^[a-zA-Z0-9-]+$" } as const;
export const nullableId = { ...idString, type: ["string", "null"] } as const;
export const nullableText = { type: ["string", "null"], maxLength: 255 } as const;
export const password = { type: ["string", "null"], minLength: 1, maxLength: 4096 } as const;
export const tag = { type: "string", minLength: 1, maxLength: 255, pattern: "^[^,/]*$" } as const;
export const tags = { type: "array", items: tag, maxItems: 80, uniqueItems: true } as const;
/** Keystone's only option of projects, domains and roles. */
export const immutableOption = {
  type: "object",
  additionalProperties: false,
  properties: { immutable: { type: ["boolean", "null"] } },
} as const;
export type ImmutableOption = { immutable?: boolean | null };

/** `{"<noun>": {...}}`: Keystone allows further members inside, and keeps them. */
export const wrapped = <Noun extends string>(
  noun: Noun,
  properties: object,
  rules: { required?: readonly string[]; minProperties?: number },
) =>
  ({
    type: "object",
    required: [noun],
    additionalProperties: false,
    properties: { [noun]: { type: "object", properties, ...rules } },
  }) as const;
