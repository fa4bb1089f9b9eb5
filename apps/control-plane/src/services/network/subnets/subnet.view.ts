import { toTime } from "../common/wire.ts";
import type { Subnet } from "./subnet.model.ts";

export function toSubnetView(subnet: Subnet) {
  return {
    id: subnet.id,
    name: subnet.name,
    tenant_id: subnet.projectId,
    project_id: subnet.projectId,
    network_id: subnet.networkId,
    ip_version: subnet.ipVersion,
    subnetpool_id: subnet.subnetpoolId,
    enable_dhcp: subnet.enableDhcp,
    ipv6_ra_mode: subnet.ipv6RaMode,
    ipv6_address_mode: subnet.ipv6AddressMode,
    gateway_ip: subnet.gatewayIp,
    cidr: subnet.cidr,
    allocation_pools: subnet.allocationPools,
    host_routes: subnet.hostRoutes,
    dns_nameservers: subnet.dnsNameservers,
    description: subnet.description,
    service_types: subnet.serviceTypes,
    tags: subnet.tags,
    created_at: toTime(subnet.createdAt),
    updated_at: toTime(subnet.updatedAt),
    revision_number: subnet.revisionNumber,
  };
}
