export const createPurgeSchema = {
  type: "object",
  required: ["project_purge"],
  additionalProperties: false,
  properties: {
    project_purge: {
      type: "object",
      required: ["project_id"],
      additionalProperties: false,
      properties: { project_id: { type: "string", minLength: 1, maxLength: 64 } },
    },
  },
} as const;
