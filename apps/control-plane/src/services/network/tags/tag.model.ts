/** Classes whose resources carry tags; their tables are named so too. */
export type Tagged =
  | "network"
  | "subnet"
  | "port"
  | "router"
  | "floatingip"
  | "security_group"
  | "security_group_rule"
  | "subnetpool"
  | "qos_policy"
  | "trunk";
