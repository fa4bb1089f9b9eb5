/**
 * All that other services may use of the network service. What changes something takes the caller's transaction and
 * enqueues the keys of what it touched; the rest takes any Queryable. Locks: see the head of migrations/0004-network.sql.
 */
export type {
  CreateServerPorts,
  NetworkQuotaName,
  NetworkQuotaUsage,
  NetworkingFacts,
  ObservedPorts,
  RequestedInterface,
  RequestedNetworks,
  ServerAddress,
  ServerInterface,
  ServerNetworking,
  ServerPort,
} from "./servers/server-ports.model.ts";
export { NO_NETWORKING, toServerNetworking } from "./servers/server-ports.model.ts";
export { createServerPorts } from "./servers/create-server-ports.ts";
export { attachPort, bindPorts, detachPort, portsObserved, releaseServerPorts } from "./servers/change-server-ports.ts";
export {
  networkingOfServer,
  networkingOfServers,
  serverIdsWithAddress,
  serverInterfaces,
  serverPortsReady,
} from "./servers/read-server-ports.ts";
export {
  type DescribedSecurityGroup,
  describeProjectSecurityGroups,
  describeSecurityGroupsById,
} from "./servers/describe-security-groups.ts";
export {
  createSecurityGroup,
  deleteSecurityGroup,
  updateSecurityGroup,
} from "./security-groups/change-security-group.ts";
export { ensureDefaultGroupSeen } from "./security-groups/default-group.ts";
export { readSecurityGroup } from "./security-groups/read-security-groups.ts";
export { addServerFixedIp, removeServerFixedIp } from "./servers/server-fixed-ips.ts";
export { addServerFloatingIp, removeServerFloatingIp } from "./servers/server-floating-ips.ts";
export { addServerSecurityGroup, removeServerSecurityGroup } from "./servers/server-security-groups.ts";
export { projectQuotaUsage } from "./quotas/read-quotas.ts";
/** For Nova's older doors to networks, floating IPs and rules. */
export {
  createFloatingIp,
  deleteFloatingIp,
  readFloatingIp,
  updateFloatingIp,
} from "./floating-ips/change-floating-ip.ts";
export type { FloatingIpWithPort } from "./floating-ips/floating-ip.model.ts";
export { readNetwork } from "./networks/read-networks.ts";
export { createRules, removeRule } from "./security-group-rules/change-security-group-rule.ts";
export { readRule as readNewRule } from "./security-group-rules/security-group-rule.model.ts";
export { listAllNetworks, listProjectFloatingIps } from "./servers/legacy-lists.ts";
