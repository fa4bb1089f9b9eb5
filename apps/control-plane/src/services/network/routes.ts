import type { Route } from "../../http/service.ts";
import { addressGroupRoutes } from "./address-groups/address-group.routes.ts";
import { addressScopeRoutes } from "./address-scopes/address-scope.routes.ts";
import { agentRoutes } from "./agents/agent.routes.ts";
import { autoAllocatedTopologyRoutes } from "./auto-allocated-topology/auto-allocated-topology.routes.ts";
import { extensionRoutes } from "./extensions/extension.routes.ts";
import { floatingIpRoutes } from "./floating-ips/floating-ip.routes.ts";
import { networkRoutes } from "./networks/network.routes.ts";
import { portRoutes } from "./ports/port.routes.ts";
import { portForwardingRoutes } from "./port-forwardings/port-forwarding.routes.ts";
import { qosRoutes } from "./qos/qos-policy.routes.ts";
import { rbacPolicyRoutes } from "./rbac-policies/rbac-policy.routes.ts";
import { quotaRoutes } from "./quotas/quota.routes.ts";
import { routerRoutes } from "./routers/router.routes.ts";
import { securityGroupRuleRoutes } from "./security-group-rules/security-group-rule.routes.ts";
import { securityGroupRoutes } from "./security-groups/security-group.routes.ts";
import { subnetpoolRoutes } from "./subnetpools/subnetpool.routes.ts";
import { subnetRoutes } from "./subnets/subnet.routes.ts";
import { tagRoutes } from "./tags/tag.routes.ts";
import { trunkRoutes } from "./trunks/trunk.routes.ts";
import { versionRoutes } from "./versions/version.routes.ts";

export const networkServiceRoutes: Route[] = [
  ...versionRoutes,
  ...networkRoutes,
  ...subnetRoutes,
  ...portRoutes,
  ...routerRoutes,
  ...floatingIpRoutes,
  ...portForwardingRoutes,
  ...securityGroupRoutes,
  ...securityGroupRuleRoutes,
  ...subnetpoolRoutes,
  ...addressScopeRoutes,
  ...addressGroupRoutes,
  ...rbacPolicyRoutes,
  ...qosRoutes,
  ...trunkRoutes,
  ...autoAllocatedTopologyRoutes,
  ...quotaRoutes,
  ...tagRoutes,
  ...extensionRoutes,
  ...agentRoutes,
];
