/** Nova's older doors to networks, floating IPs and security group rules. What they lead to is the network service's. */
import { CloudError, forbidden, invalid, notFound } from "@andromede/base/errors";

import { transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import {
  type DescribedSecurityGroup,
  type FloatingIpWithPort,
  createFloatingIp,
  createRules,
  deleteFloatingIp,
  describeSecurityGroupsById,
  listAllNetworks,
  listProjectFloatingIps,
  readFloatingIp,
  readNetwork,
  readNewRule,
  readSecurityGroup,
  removeRule,
} from "../../network/public.ts";
import { asksAsAdmin, projectOf } from "../common/actor.ts";
import { toInteger } from "../common/wire.ts";
import type { SecurityGroupRuleBody } from "./network-proxy.schema.ts";

type Named = { id: string; name: string };

const requesterOf = (request: ApiRequest): { projectId: string; admin: boolean } => ({
  projectId: projectOf(request),
  admin: asksAsAdmin(request),
});

/** The project's own networks, and those shared with it. */
export async function readProxiedNetworks(request: ApiRequest): Promise<Named[]> {
  const projectId = projectOf(request);
  const networks = await listAllNetworks(request.app.db, { projectId, admin: false });
  return networks.filter(
    (network) =>
      network.projectId === projectId || network.sharedWith.some((target) => target === "*" || target === projectId),
  );
}

export async function readProxiedNetwork(request: ApiRequest, id: string): Promise<Named> {
  try {
    return await readNetwork(request.app.db, requesterOf(request), id);
  } catch (cause) {
    if (cause instanceof CloudError && cause.kind === "notFound") throw notFound("Network not found", { cause });
    throw cause;
  }
}

/** Where floating IPs come from. */
export const readPools = (request: ApiRequest): Promise<Named[]> =>
  listAllNetworks(request.app.db, { projectId: projectOf(request), admin: false }, { external: true });

export type ProxiedFloatingIp = { floatingIp: FloatingIpWithPort; pool: Named };

async function withPools(request: ApiRequest, floatingIps: FloatingIpWithPort[]): Promise<ProxiedFloatingIp[]> {
  const pools = await readPools(request);
  return floatingIps.map((floatingIp) => {
    const id = floatingIp.floatingNetworkId;
    return { floatingIp, pool: pools.find((pool) => pool.id === id) ?? { id, name: id } };
  });
}

export async function readProxiedFloatingIps(request: ApiRequest): Promise<ProxiedFloatingIp[]> {
  return withPools(request, await listProjectFloatingIps(request.app.db, projectOf(request)));
}

const noFloatingIp = (id: string, cause: unknown): CloudError =>
  notFound(`Floating IP not found for ID ${id}`, { cause });

export async function readProxiedFloatingIp(request: ApiRequest, id: string): Promise<ProxiedFloatingIp> {
  try {
    const found = await readFloatingIp(request.app.db, requesterOf(request), id);
    const [shown] = await withPools(request, [found]);
    return shown as ProxiedFloatingIp;
  } catch (cause) {
    throw cause instanceof CloudError && cause.kind === "notFound" ? noFloatingIp(id, cause) : cause;
  }
}

/** `pool`: a name or an id; null: the one there is. */
export async function createProxiedFloatingIp(request: ApiRequest, pool: string | null): Promise<ProxiedFloatingIp> {
  const requester = requesterOf(request);
  const pools = await readPools(request);
  const chosen = pool === null ? pools[0] : pools.find(({ id, name }) => id === pool || name === pool);
  if (chosen === undefined) throw notFound("Floating IP pool not found.");
  try {
    const made = await transact(request.app, request.origin, (tx) =>
      createFloatingIp(tx, requester, {
        projectId: requester.projectId,
        floatingNetworkId: chosen.id,
        floatingIpAddress: undefined,
        subnetId: undefined,
        portId: undefined,
        fixedIpAddress: undefined,
        description: "",
        dnsName: "",
        dnsDomain: "",
      }),
    );
    return { floatingIp: made, pool: chosen };
  } catch (cause) {
    if (!(cause instanceof CloudError)) throw cause;
    if (cause.kind === "overQuota" || cause.type === "OverQuota")
      throw forbidden(`IP allocation over quota in pool ${chosen.name}.`, { cause });
    if (cause.type === "IpAddressGenerationFailure" || cause.kind === "noCapacity")
      throw notFound(`No more floating IPs in pool ${chosen.name}.`, { cause });
    throw cause;
  }
}

export async function removeProxiedFloatingIp(request: ApiRequest, id: string): Promise<void> {
  try {
    await transact(request.app, request.origin, (tx) => deleteFloatingIp(tx, requesterOf(request), id));
  } catch (cause) {
    throw cause instanceof CloudError && cause.kind === "notFound" ? noFloatingIp(id, cause) : cause;
  }
}

export type ProxiedRule = { groupId: string; rule: DescribedSecurityGroup["ingress"][number] };

/** Nova knows ingress only; its ports -1 mean none. */
export async function createProxiedRule(
  request: ApiRequest,
  wanted: SecurityGroupRuleBody["security_group_rule"],
): Promise<ProxiedRule> {
  const requester = requesterOf(request);
  const group = await readSecurityGroup(request.app.db, requester, wanted.parent_group_id);
  const rule = toNewRule(wanted);
  const [made] = await transact(request.app, request.origin, (tx) =>
    createRules(tx, requester, [{ projectId: group.projectId, securityGroupId: group.id, rule }]),
  ).catch((cause: unknown) => {
    if (cause instanceof CloudError && cause.type === "OverQuota") {
      throw forbidden("Quota exceeded, too many security group rules.", { cause });
    }
    if (cause instanceof CloudError && cause.kind === "conflict") throw invalid(cause.message, { cause });
    throw cause;
  });
  const [described] = await describeSecurityGroupsById(request.app.db, [group.id]);
  const found = described?.ingress.find((one) => one.id === made?.id);
  if (found === undefined) throw notFound("The rule was removed at once.");
  return { groupId: group.id, rule: found };
}

function toNewRule(wanted: SecurityGroupRuleBody["security_group_rule"]): ReturnType<typeof readNewRule> {
  const { ip_protocol: protocol = null, cidr = null, group_id: groupId = null } = wanted;
  const [from, to] = [portOf(wanted.from_port, "from_port"), portOf(wanted.to_port, "to_port")];
  if (groupId === null && (protocol === null || wanted.from_port === undefined || wanted.to_port === undefined)) {
    throw invalid("Not enough parameters to build a valid rule.");
  }
  const prefix = groupId === null ? (cidr ?? "0.0.0.0/0") : null;
  return readNewRule({
    direction: "ingress",
    ethertype: prefix?.includes(":") === true ? "IPv6" : "IPv4",
    protocol,
    port_range_min: from,
    port_range_max: to,
    remote_group_id: groupId,
    remote_ip_prefix: prefix,
  });
}

function portOf(value: number | string | null | undefined, name: string): number | null {
  if (value === undefined || value === null) return null;
  const port = toInteger(value, name, -1, 65_535);
  return port === -1 ? null : port;
}

export async function removeProxiedRule(request: ApiRequest, id: string): Promise<void> {
  await transact(request.app, request.origin, (tx) => removeRule(tx, requesterOf(request), id));
}
