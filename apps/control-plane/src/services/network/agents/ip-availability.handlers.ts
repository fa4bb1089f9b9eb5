import { type ApiRequest, type Reply, ok } from "../../../http/service.ts";
import type { Range } from "../common/addresses.ts";
import { networkNotFound } from "../networks/network.model.ts";
import { toRanges } from "../subnets/subnet.model.ts";
import { type NetworkUse, readNetworkUse } from "./read-ip-availability.ts";

/** Numbers beyond 2^53 (every IPv6 subnet) are shown as near as JSON's readers hold them. */
const sizeOf = (ranges: Range[]): number =>
  Number(ranges.reduce((sum, { start, end }) => sum + (end - start + 1n), 0n));

function toView(network: NetworkUse) {
  const subnets = network.subnets.map((subnet) => ({
    subnet_id: subnet.id,
    subnet_name: subnet.name,
    cidr: subnet.cidr,
    ip_version: subnet.ipVersion,
    total_ips: sizeOf(toRanges(subnet.pools)),
    used_ips: subnet.used,
  }));
  return {
    network_id: network.networkId,
    network_name: network.networkName,
    tenant_id: network.projectId,
    project_id: network.projectId,
    subnet_ip_availability: subnets,
    total_ips: subnets.reduce((sum, subnet) => sum + subnet.total_ips, 0),
    used_ips: subnets.reduce((sum, subnet) => sum + subnet.used_ips, 0),
  };
}

export async function listIpAvailabilities(request: ApiRequest): Promise<Reply> {
  const wanted = (name: string, value: string): boolean =>
    !request.query.has(name) || request.query.all(name).includes(value);
  const networks = (await readNetworkUse(request.app.db)).filter(
    (network) =>
      wanted("network_id", network.networkId) &&
      wanted("network_name", network.networkName) &&
      wanted("tenant_id", network.projectId) &&
      wanted("project_id", network.projectId) &&
      (!request.query.has("ip_version") ||
        network.subnets.some((subnet) => wanted("ip_version", String(subnet.ipVersion)))),
  );
  return ok({ network_ip_availabilities: networks.map(toView) });
}

export async function showIpAvailability(request: ApiRequest): Promise<Reply> {
  const id = request.params["id"] ?? "";
  const [network] = await readNetworkUse(request.app.db, id);
  if (network === undefined) throw networkNotFound(id);
  return ok({ network_ip_availability: toView(network) });
}
