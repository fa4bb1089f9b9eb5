import { parseCidr } from "../common/addresses.ts";
import { toTime } from "../common/wire.ts";
import type { SecurityGroupRule } from "./security-group-rule.model.ts";

export function toSecurityGroupRuleView(rule: SecurityGroupRule) {
  return {
    id: rule.id,
    tenant_id: rule.projectId,
    project_id: rule.projectId,
    security_group_id: rule.securityGroupId,
    ethertype: rule.ethertype,
    direction: rule.direction,
    protocol: rule.protocol,
    port_range_min: rule.portRangeMin,
    port_range_max: rule.portRangeMax,
    remote_ip_prefix: rule.remoteIpPrefix,
    normalized_cidr: rule.remoteIpPrefix === null ? null : (parseCidr(rule.remoteIpPrefix)?.text ?? null),
    remote_group_id: rule.remoteGroupId,
    remote_address_group_id: rule.remoteAddressGroupId,
    description: rule.description,
    tags: rule.tags,
    created_at: toTime(rule.createdAt),
    updated_at: toTime(rule.updatedAt),
    revision_number: rule.revisionNumber,
  };
}
