import type { Attributes } from "../common/list-request.ts";
import type { Requester } from "../common/requester.ts";
import { boolean, envelope, integerText, name, projectId } from "../common/wire.ts";
import type { QosRuleType } from "./qos-policy.model.ts";

const own: Attributes = {
  id: { column: "id", kind: "text" },
  name: { column: "name", kind: "text" },
  description: { column: "description", kind: "text" },
  project_id: { column: "project_id", kind: "text" },
  tenant_id: { column: "project_id", kind: "text" },
  is_default: { column: "is_default", kind: "boolean" },
  revision_number: { column: "revision_number", kind: "integer" },
  created_at: { column: "created_at", kind: "time" },
  updated_at: { column: "updated_at", kind: "time" },
};
export const qosPolicyAttributes = ({ projectId: viewer }: Requester): Attributes => ({
  ...own,
  shared: { column: "shared_with", kind: "sharing", viewer },
});

const rule: Attributes = { id: { column: "id", kind: "text" } };
const directed: Attributes = { ...rule, direction: { column: "direction", kind: "text" } };
export const qosRuleAttributes: { readonly [type in QosRuleType]: Attributes } = {
  bandwidth_limit: {
    ...directed,
    max_kbps: { column: "max_kbps", kind: "integer" },
    max_burst_kbps: { column: "max_burst_kbps", kind: "integer" },
  },
  minimum_bandwidth: { ...directed, min_kbps: { column: "min_kbps", kind: "integer" } },
  dscp_marking: { ...rule, dscp_mark: { column: "dscp_mark", kind: "integer" } },
};

const changeable = { name, description: name, shared: boolean, is_default: boolean } as const;

export const createQosPolicySchema = envelope(
  "policy",
  {
    type: "object",
    additionalProperties: false,
    required: ["name"],
    properties: { ...changeable, project_id: projectId, tenant_id: projectId },
  },
  "policies",
);
export const updateQosPolicySchema = envelope("policy", {
  type: "object",
  additionalProperties: false,
  properties: changeable,
});

const direction = { enum: ["ingress", "egress"] } as const;
const values = {
  bandwidth_limit: { max_kbps: integerText, max_burst_kbps: integerText, direction },
  minimum_bandwidth: { min_kbps: integerText, direction },
  dscp_marking: { dscp_mark: integerText },
} as const;
const REQUIRED = { bandwidth_limit: "max_kbps", minimum_bandwidth: "min_kbps", dscp_marking: "dscp_mark" } as const;
const owner = { project_id: projectId, tenant_id: projectId } as const;

export const createQosRuleSchema = (type: QosRuleType, member: string) =>
  envelope(
    member,
    {
      type: "object",
      additionalProperties: false,
      required: [REQUIRED[type]],
      properties: { ...values[type], ...owner },
    },
    `${member}s`,
  );
export const updateQosRuleSchema = (type: QosRuleType, member: string) =>
  envelope(member, { type: "object", additionalProperties: false, properties: { ...values[type], ...owner } });
