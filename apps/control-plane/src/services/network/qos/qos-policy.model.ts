/** QoS policies and their rules. Names, texts and bounds are Neutron's (extension "qos"). Pure. */
import { type CloudError, conflict, invalid, notFound } from "@andromede/base/errors";

import { toInteger } from "../common/wire.ts";
import type { OvnQosRule, QosDirection } from "./qos.ovn.ts";

export type QosRuleType = "bandwidth_limit" | "dscp_marking" | "minimum_bandwidth";
export type QosRule = {
  id: string;
  qosPolicyId: string;
  type: QosRuleType;
  direction: QosDirection | null;
  maxKbps: number | null;
  maxBurstKbps: number | null;
  dscpMark: number | null;
  minKbps: number | null;
};
export type QosPolicy = {
  id: string;
  projectId: string;
  name: string;
  description: string;
  sharedWith: string[];
  isDefault: boolean;
  tags: string[];
  revisionNumber: number;
  createdAt: Date;
  updatedAt: Date;
};
export type QosPolicyWithRules = QosPolicy & { rules: QosRule[] };

/** What is said of a rule on the wire. */
export type QosRuleWire = {
  max_kbps?: number | string;
  max_burst_kbps?: number | string;
  direction?: QosDirection;
  dscp_mark?: number | string;
  min_kbps?: number | string;
};
export type QosRuleValues = Omit<QosRule, "id" | "qosPolicyId" | "type">;

export const RULE_TYPES: readonly QosRuleType[] = ["bandwidth_limit", "dscp_marking", "minimum_bandwidth"];
const MAX = 2_147_483_647;
/** Class selectors, assured and expedited forwarding: what Neutron takes. */
export const DSCP_MARKS: readonly number[] = [
  0, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36, 38, 40, 46, 48, 56,
];

export const qosPolicyNotFound = (id: string): CloudError =>
  notFound(`QoS policy ${id} could not be found.`, { type: "QosPolicyNotFound" });
export const qosRuleNotFound = (policyId: string, id: string): CloudError =>
  notFound(`QoS rule ${id} for policy ${policyId} could not be found.`, { type: "QosRuleNotFound" });
export const qosPolicyInUse = (id: string, type: string, objectId: string): CloudError =>
  conflict(`QoS Policy ${id} is used by ${type} ${objectId}.`, { type: "QosPolicyInUse" });

const EMPTY: QosRuleValues = { direction: null, maxKbps: null, maxBurstKbps: null, dscpMark: null, minKbps: null };

/** A rule's values as asked for, over those that it had. */
export function readRuleValues(type: QosRuleType, wire: QosRuleWire, held: QosRuleValues = EMPTY): QosRuleValues {
  const direction = wire.direction ?? held.direction ?? "egress";
  switch (type) {
    case "bandwidth_limit":
      return {
        ...EMPTY,
        direction,
        maxKbps: needed(wire.max_kbps, held.maxKbps, "max_kbps"),
        maxBurstKbps:
          wire.max_burst_kbps === undefined
            ? (held.maxBurstKbps ?? 0)
            : toInteger(wire.max_burst_kbps, "max_burst_kbps", 0, MAX),
      };
    case "minimum_bandwidth":
      return { ...EMPTY, direction, minKbps: needed(wire.min_kbps, held.minKbps, "min_kbps") };
    case "dscp_marking": {
      const dscpMark = needed(wire.dscp_mark, held.dscpMark, "dscp_mark");
      if (!DSCP_MARKS.includes(dscpMark))
        throw invalid(`Invalid input for dscp_mark. Reason: '${dscpMark}' is not in [${DSCP_MARKS.join(", ")}].`, {
          field: "dscp_mark",
        });
      return { ...EMPTY, dscpMark };
    }
  }
}

function needed(value: number | string | undefined, held: number | null, field: string): number {
  if (value !== undefined) return toInteger(value, field, 0, MAX);
  if (held !== null) return held;
  throw invalid(`Failed to parse request. Required attribute '${field}' not specified`, { field });
}

/** The rule beside those that the policy has; throws where they do not go together. */
export function checkTogether(policyId: string, rule: Omit<QosRule, "qosPolicyId">, others: readonly QosRule[]): void {
  const same = others.find((one) => one.id !== rule.id && one.type === rule.type && one.direction === rule.direction);
  if (same !== undefined) {
    throw conflict(`Rule ${rule.type} conflicts with rule ${same.id} which already exists in QoS Policy ${policyId}.`, {
      type: "QosRulesConflict",
    });
  }
  for (const one of others) {
    if (one.id === rule.id || one.direction !== rule.direction) continue;
    const [max, min] = [rule.maxKbps ?? one.maxKbps, rule.minKbps ?? one.minKbps];
    if (rule.type !== one.type && max !== null && min !== null && max < min) {
      throw conflict(
        `Unable to add the rule with value ${rule.maxKbps ?? rule.minKbps} to the policy ${policyId} as the existing rule of type ${one.type} has value ${one.maxKbps ?? one.minKbps}.`,
        { type: "QoSRuleParameterConflict" },
      );
    }
  }
}

/** What OVN can do of the rules. A promise of a minimum is kept by nobody here; a limit of 0 is none. */
export function toOvnRules(rules: readonly Omit<QosRule, "id" | "qosPolicyId">[]): OvnQosRule[] {
  return rules.flatMap((rule): OvnQosRule[] => {
    if (rule.type === "dscp_marking" && rule.dscpMark !== null)
      return [{ type: "dscp_marking", dscpMark: rule.dscpMark }];
    if (rule.type === "bandwidth_limit" && rule.direction !== null && rule.maxKbps !== null && rule.maxKbps > 0)
      return [
        {
          type: "bandwidth_limit",
          direction: rule.direction,
          maxKbps: rule.maxKbps,
          maxBurstKbps: rule.maxBurstKbps ?? 0,
        },
      ];
    return [];
  });
}
