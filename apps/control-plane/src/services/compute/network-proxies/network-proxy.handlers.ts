import { type ApiRequest, type Reply, ok } from "../../../http/service.ts";
import { asksAsAdmin } from "../common/actor.ts";
import { toRuleView } from "../security-groups/security-group.view.ts";
import type { FloatingIpBody, SecurityGroupRuleBody } from "./network-proxy.schema.ts";
import { toFloatingIpProxy, toNetworkProxy, toTenantNetwork } from "./network-proxy.view.ts";
import {
  createProxiedFloatingIp,
  createProxiedRule,
  readPools,
  readProxiedFloatingIp,
  readProxiedFloatingIps,
  readProxiedNetwork,
  readProxiedNetworks,
  removeProxiedFloatingIp,
  removeProxiedRule,
} from "./proxy-networks.ts";

const networkOf = (request: Pick<ApiRequest, "params">): string => request.params["network_id"] ?? "";
const idOf = (request: Pick<ApiRequest, "params">): string => request.params["id"] ?? "";

export const listNetworkProxies = async (request: ApiRequest): Promise<Reply> =>
  ok({ networks: (await readProxiedNetworks(request)).map((one) => toNetworkProxy(one, asksAsAdmin(request))) });

export const showNetworkProxy = async (request: ApiRequest): Promise<Reply> =>
  ok({ network: toNetworkProxy(await readProxiedNetwork(request, networkOf(request)), asksAsAdmin(request)) });

export const listTenantNetworks = async (request: ApiRequest): Promise<Reply> =>
  ok({ networks: (await readProxiedNetworks(request)).map(toTenantNetwork) });

export const showTenantNetwork = async (request: ApiRequest): Promise<Reply> =>
  ok({ network: toTenantNetwork(await readProxiedNetwork(request, networkOf(request))) });

export const listPools = async (request: ApiRequest): Promise<Reply> =>
  ok({ floating_ip_pools: (await readPools(request)).map(({ id, name }) => ({ name: name === "" ? id : name })) });

export const listFloatingIpProxies = async (request: ApiRequest): Promise<Reply> =>
  ok({
    floating_ips: (await readProxiedFloatingIps(request)).map((one) => toFloatingIpProxy(one.floatingIp, one.pool)),
  });

export async function showFloatingIpProxy(request: ApiRequest): Promise<Reply> {
  const { floatingIp, pool } = await readProxiedFloatingIp(request, idOf(request));
  return ok({ floating_ip: toFloatingIpProxy(floatingIp, pool) });
}

export async function postFloatingIpProxy(request: ApiRequest<FloatingIpBody>): Promise<Reply> {
  const { floatingIp, pool } = await createProxiedFloatingIp(request, request.body.pool ?? null);
  return ok({ floating_ip: toFloatingIpProxy(floatingIp, pool) });
}

export async function deleteFloatingIpProxy(request: ApiRequest): Promise<Reply> {
  await removeProxiedFloatingIp(request, idOf(request));
  return { status: 202 };
}

export async function postRuleProxy(request: ApiRequest<SecurityGroupRuleBody>): Promise<Reply> {
  const { groupId, rule } = await createProxiedRule(request, request.body.security_group_rule);
  return ok({ security_group_rule: toRuleView(groupId, rule) });
}

export async function deleteRuleProxy(request: ApiRequest): Promise<Reply> {
  await removeProxiedRule(request, request.params["security_group_rule_id"] ?? "");
  return { status: 202 };
}
