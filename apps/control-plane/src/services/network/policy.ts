import type { PolicyRule, RoleCheck } from "../../http/policy.ts";

const rule = (role: RoleCheck, name: string, description: string): PolicyRule => ({ name, role, description });

/** Reading is for readers, changing for members; whose it is, the use case asks. Attributes for operators are checked there too. */
const crud = (noun: string, called: string, changer: RoleCheck = "member"): PolicyRule[] => [
  rule("reader", `get_${noun}`, `Show and list ${called}`),
  rule(changer, `create_${noun}`, `Create ${called}`),
  rule(changer, `update_${noun}`, `Change ${called}`),
  rule(changer, `delete_${noun}`, `Delete ${called}`),
];

export const networkRules: PolicyRule[] = [
  rule("anyone", "get_versions", "Version documents"),
  ...crud("network", "networks"),
  ...crud("subnet", "subnets"),
  ...crud("port", "ports"),
  ...crud("router", "routers"),
  rule("member", "add_router_interface", "Join a router to a subnet"),
  rule("member", "remove_router_interface", "Take a router off a subnet"),
  ...crud("floatingip", "floating IPs"),
  ...crud("floatingip_port_forwarding", "port forwardings of floating IPs"),
  ...crud("security_group", "security groups"),
  rule("reader", "get_security_group_rule", "Show and list rules of security groups"),
  rule("member", "create_security_group_rule", "Add rules to security groups"),
  rule("member", "delete_security_group_rule", "Remove rules from security groups"),
  ...crud("subnetpool", "subnet pools"),
  ...crud("address_scope", "address scopes"),
  ...crud("address_group", "address groups"),
  rule("member", "add_addresses", "Add addresses to address groups"),
  rule("member", "remove_addresses", "Take addresses out of address groups"),
  ...crud("rbac_policy", "who may use what is not theirs"),
  ...crud("policy", "QoS policies", "manager"),
  ...crud("policy_bandwidth_limit_rule", "bandwidth limits of QoS policies", "manager"),
  ...crud("policy_dscp_marking_rule", "DSCP marks of QoS policies", "manager"),
  ...crud("policy_minimum_bandwidth_rule", "minimum bandwidths of QoS policies", "manager"),
  rule("reader", "get_rule_type", "List types of QoS rules"),
  rule("admin", "get_rule_type_details", "Show what carries out a type of QoS rules"),
  rule("member", "get_auto_allocated_topology", "Get a network that is made when there is none"),
  rule("member", "delete_auto_allocated_topology", "Give that network back"),
  rule("reader", "get_quota", "Show the project's own quota"),
  rule("admin", "get_quotas", "List quotas that were changed"),
  rule("admin", "update_quota", "Change a project's quota"),
  rule("admin", "delete_quota", "Set a project's quota back to the defaults"),
  rule("reader", "get_tags", "Show tags"),
  rule("member", "update_tags", "Set tags"),
  rule("member", "delete_tags", "Remove tags"),
  rule("authenticated", "get_extension", "Show and list extensions"),
  rule("admin", "get_agent", "Show and list agents"),
  rule("reader", "get_availability_zone", "List availability zones"),
  rule("authenticated", "get_service_provider", "List service providers"),
  rule("admin", "get_network_ip_availability", "How many addresses networks have left"),
];
