import { route } from "../../../http/service.ts";
import {
  deleteFloatingIpProxy,
  deleteRuleProxy,
  listFloatingIpProxies,
  listNetworkProxies,
  listPools,
  listTenantNetworks,
  postFloatingIpProxy,
  postRuleProxy,
  showFloatingIpProxy,
  showNetworkProxy,
  showTenantNetwork,
} from "./network-proxy.handlers.ts";
import { floatingIpSchema, securityGroupRuleSchema } from "./network-proxy.schema.ts";

const NETWORKS = "/v2.1/os-networks";
const TENANT_NETWORKS = "/v2.1/os-tenant-networks";
const FLOATING_IPS = "/v2.1/os-floating-ips";
const RULES = "/v2.1/os-security-group-rules";
/** Microversion 2.36 took Nova's doors to other services away. */
const until = 35;
const rule = (name: string): string => `os_compute_api:${name}`;

export const networkProxyRoutes = [
  route({ method: "GET", path: NETWORKS, until, rule: rule("os-networks:list"), handler: listNetworkProxies }),
  route({
    method: "GET",
    path: `${NETWORKS}/:network_id`,
    until,
    rule: rule("os-networks:show"),
    handler: showNetworkProxy,
  }),
  route({
    method: "GET",
    path: TENANT_NETWORKS,
    until,
    rule: rule("os-tenant-networks:list"),
    handler: listTenantNetworks,
  }),
  route({
    method: "GET",
    path: `${TENANT_NETWORKS}/:network_id`,
    until,
    rule: rule("os-tenant-networks:show"),
    handler: showTenantNetwork,
  }),
  route({
    method: "GET",
    path: "/v2.1/os-floating-ip-pools",
    until,
    rule: rule("os-floating-ip-pools"),
    handler: listPools,
  }),
  route({
    method: "GET",
    path: FLOATING_IPS,
    until,
    rule: rule("os-floating-ips:list"),
    handler: listFloatingIpProxies,
  }),
  route({
    method: "POST",
    path: FLOATING_IPS,
    until,
    rule: rule("os-floating-ips:create"),
    body: floatingIpSchema,
    handler: postFloatingIpProxy,
  }),
  route({
    method: "GET",
    path: `${FLOATING_IPS}/:id`,
    until,
    rule: rule("os-floating-ips:show"),
    handler: showFloatingIpProxy,
  }),
  route({
    method: "DELETE",
    path: `${FLOATING_IPS}/:id`,
    until,
    rule: rule("os-floating-ips:delete"),
    handler: deleteFloatingIpProxy,
  }),
  route({
    method: "POST",
    path: RULES,
    until,
    rule: rule("os-security-groups:rule:create"),
    body: securityGroupRuleSchema,
    handler: postRuleProxy,
  }),
  route({
    method: "DELETE",
    path: `${RULES}/:security_group_rule_id`,
    until,
    rule: rule("os-security-groups:rule:delete"),
    handler: deleteRuleProxy,
  }),
];
