import type { Requester } from "../common/requester.ts";
import { isSharedWith } from "../common/sharing.ts";
import { toTime } from "../common/wire.ts";
import type { QosPolicyWithRules, QosRule, QosRuleType } from "./qos-policy.model.ts";

/** Only what a rule of its type has. */
export function toQosRuleView(rule: QosRule) {
  switch (rule.type) {
    case "bandwidth_limit":
      return {
        id: rule.id,
        max_kbps: rule.maxKbps,
        max_burst_kbps: rule.maxBurstKbps,
        direction: rule.direction,
      };
    case "minimum_bandwidth":
      return { id: rule.id, min_kbps: rule.minKbps, direction: rule.direction };
    case "dscp_marking":
      return { id: rule.id, dscp_mark: rule.dscpMark };
  }
}

export function toQosPolicyView(policy: QosPolicyWithRules, requester: Requester) {
  return {
    id: policy.id,
    name: policy.name,
    tenant_id: policy.projectId,
    project_id: policy.projectId,
    description: policy.description,
    shared: isSharedWith(policy, requester),
    is_default: policy.isDefault,
    rules: policy.rules.map((rule) => ({ ...toQosRuleView(rule), type: rule.type, qos_policy_id: policy.id })),
    tags: policy.tags,
    created_at: toTime(policy.createdAt),
    updated_at: toTime(policy.updatedAt),
    revision_number: policy.revisionNumber,
  };
}

const anyNumber = { parameter_type: "range", parameter_values: { start: 0, end: 2_147_483_647 } };
const direction = { parameter_name: "direction", parameter_type: "choices", parameter_values: ["ingress", "egress"] };

/** What the network does with a rule of this type, for operators. */
export function toRuleTypeView(type: QosRuleType, marks: readonly number[]) {
  const parameters = {
    bandwidth_limit: [
      { parameter_name: "max_kbps", ...anyNumber },
      { parameter_name: "max_burst_kbps", ...anyNumber },
      direction,
    ],
    dscp_marking: [{ parameter_name: "dscp_mark", parameter_type: "choices", parameter_values: marks }],
    minimum_bandwidth: [{ parameter_name: "min_kbps", ...anyNumber }, direction],
  }[type];
  return { type, drivers: [{ name: "ovn", supported_parameters: parameters }] };
}
