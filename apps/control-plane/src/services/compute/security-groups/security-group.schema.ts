/** What may be sent about security groups (Compute API, "Security groups (os-security-groups) (DEPRECATED)"). Pure. */
const text = { type: "string", maxLength: 255, pattern: "^[^\\u0000]*$" } as const;

export const securityGroupSchema = {
  type: "object",
  required: ["security_group"],
  additionalProperties: false,
  properties: {
    security_group: {
      type: "object",
      required: ["name"],
      additionalProperties: false,
      properties: { name: text, description: { ...text, type: ["string", "null"] } },
    },
  },
} as const;

export type SecurityGroupBody = { security_group: { name: string; description?: string | null } };
