/** A security group on Nova's wire: what its rules let in, and no word of what they let out. Pure. */
import type { DescribedSecurityGroup } from "../../network/public.ts";

export const toSecurityGroupView = (group: DescribedSecurityGroup): object => ({
  id: group.id,
  name: group.name,
  tenant_id: group.projectId,
  description: group.description,
  rules: group.ingress.map((rule) => toRuleView(group.id, rule)),
});

/** As Nova translates Neutron's rules (nova/network/security_group_api.py): no ports means all of them, in numbers. */
export function toRuleView(groupId: string, rule: DescribedSecurityGroup["ingress"][number]): object {
  const { protocol, portRangeMin, portRangeMax, remoteGroup } = rule;
  const allPorts = protocol !== null && portRangeMin === null && portRangeMax === null;
  const [lowest, highest] = ["tcp", "udp"].includes(protocol?.toLowerCase() ?? "") ? [1, 65_535] : [-1, -1];
  const anywhere = rule.ethertype === "IPv6" ? "::/0" : "0.0.0.0/0";
  return {
    id: rule.id,
    parent_group_id: groupId,
    ip_protocol: protocol,
    from_port: allPorts ? lowest : portRangeMin,
    to_port: allPorts ? highest : portRangeMax,
    group: remoteGroup === null ? {} : { name: remoteGroup.name, tenant_id: remoteGroup.projectId },
    ip_range: remoteGroup === null ? { cidr: rule.remoteIpPrefix ?? anywhere } : {},
  };
}
