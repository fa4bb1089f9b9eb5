/**
 * Names and marks of our rows in OVN. All are functions of our own UUIDs, so that "create" can mean "find or create"
 * and whoever reads the database knows whose row it is. Pure.
 */

/** Key of external_ids that holds our UUID. */
export const ID = "andromede:id";
/** Key of external_ids that says of which resource class the UUID is. */
export const CLASS = "andromede:class";
/** On a switch port: the subnets it has addresses of, separated by blanks. */
export const SUBNETS = "andromede:subnets";
/** On a switch port: its network. */
export const NETWORK = "andromede:network";
/** On a switch port: the port groups it is in, separated by blanks. */
export const GROUPS = "andromede:groups";
/** On a switch port: the DHCP options the customer set on it, as JSON, so that the subnet's may change beneath them. */
export const EXTRA_DHCP = "andromede:dhcp-options";
/** On DHCP options made for one port: the subnet they extend. */
export const SUBNET = "andromede:subnet";
/** On a router port, its switch port and NAT rows: the router. */
export const ROUTER = "andromede:router";
/** On the router port that is the router's gateway: "true". */
export const GATEWAY = "andromede:gateway";
/** On an ACL: the security group rule. */
export const RULE = "andromede:rule";
/** On a QoS row: the direction it shapes, as the customer calls it. */
export const QOS = "andromede:qos";
/** The name a customer gave, for people who look with ovn-nbctl. */
export const NAME = "andromede:name";

/** Classes of resources that own rows. */
export type OwnedClass = "network" | "subnet" | "port" | "router" | "router_port" | "floatingip" | "security_group";

export const switchName = (networkId: string): string => `andromede-${networkId}`;
export const localnetPortName = (networkId: string): string => `provnet-${networkId}`;
export const routerName = (routerId: string): string => `andromede-${routerId}`;
export const routerPortName = (portId: string): string => `lrp-${portId}`;
export const gatewayChassisName = (portId: string, chassis: string): string => `lrp-${portId}_${chassis}`;
/** Names of port groups and address sets are identifiers in ACL matches: no dashes. */
export const portGroupName = (securityGroupId: string): string => `pg_${securityGroupId.replaceAll("-", "_")}`;
/** Every port with port security is in it: what no rule allows is dropped. */
export const DROP_GROUP = "andromede_pg_drop";

/** The marks of a row of ours. */
export const marks = (
  owner: OwnedClass,
  id: string,
  more: { readonly [key: string]: string } = {},
): { readonly [key: string]: string } => ({
  [ID]: id,
  [CLASS]: owner,
  ...more,
});
