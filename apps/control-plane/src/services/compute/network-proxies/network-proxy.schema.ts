/** What may be sent to Nova's older doors to the network. Pure. */
import { integerSchema } from "../common/wire.ts";

/** Nova looks at nothing but the pool. */
export const floatingIpSchema = {
  type: "object",
  additionalProperties: false,
  properties: { pool: { type: ["string", "null"], maxLength: 255 } },
} as const;
export type FloatingIpBody = { pool?: string | null };

const port = { anyOf: [...integerSchema(-1, 65_535).anyOf, { type: "null" }] };
const text = { type: ["string", "null"], maxLength: 255, pattern: "^[^\\u0000]*$" } as const;

export const securityGroupRuleSchema = {
  type: "object",
  required: ["security_group_rule"],
  additionalProperties: false,
  properties: {
    security_group_rule: {
      type: "object",
      required: ["parent_group_id"],
      additionalProperties: false,
      properties: {
        parent_group_id: { type: "string", minLength: 1, maxLength: 255 },
        ip_protocol: text,
        from_port: port,
        to_port: port,
        cidr: text,
        group_id: text,
      },
    },
  },
} as const;
export type SecurityGroupRuleBody = {
  security_group_rule: {
    parent_group_id: string;
    ip_protocol?: string | null;
    from_port?: number | string | null;
    to_port?: number | string | null;
    cidr?: string | null;
    group_id?: string | null;
  };
};
