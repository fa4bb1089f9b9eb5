/** Hosts on the wire: hypervisors, services, availability zones, by microversion. Pure. */
import { isoMicroseconds } from "../common/wire.ts";
import { type Host, isUp } from "./host.model.ts";

export type HostedServer = { id: string; name: string; number: number; host: string };
type Viewer = { version: number };

const idOf = (host: Host, { version }: Viewer): string | number => (version >= 53 ? host.hypervisorId : host.number);

/** Until 2.75 a host without servers says nothing of them. */
const serversOf = (servers: readonly HostedServer[] | null, version: number): object =>
  servers === null || (servers.length === 0 && version < 75)
    ? {}
    : {
        servers: servers.map((server) => ({
          uuid: server.id,
          name: `instance-${server.number.toString(16).padStart(8, "0")}`,
        })),
      };

export const toHypervisorEntry = (
  host: Host,
  viewer: Viewer,
  servers: readonly HostedServer[] | null = null,
): object => ({
  id: idOf(host, viewer),
  hypervisor_hostname: host.observedHostname,
  state: isUp(host) ? "up" : "down",
  status: host.disabled ? "disabled" : "enabled",
  ...serversOf(servers, viewer.version),
});

export const toHypervisorView = (
  host: Host,
  viewer: Viewer,
  servers: readonly HostedServer[] | null = null,
): object => ({
  ...toHypervisorEntry(host, viewer),
  hypervisor_type: host.observedBackend === "simulated" ? "fake" : "QEMU",
  hypervisor_version: 10_000_000,
  // agents are reached over a socket of this machine
  host_ip: "127.0.0.1",
  service: {
    id: viewer.version >= 53 ? host.serviceId : host.number,
    host: host.name,
    disabled_reason: host.disabledReason,
  },
  ...(viewer.version < 88 ? toResources(host, viewer) : { uptime: null }),
  ...(viewer.version >= 53 ? serversOf(servers, viewer.version) : {}),
});

/** Left out from 2.88 on, where placement is asked instead. */
function toResources(host: Host, { version }: Viewer): object {
  const cpu = {
    vendor: "unknown",
    model: host.observedAccelerator,
    topology: { sockets: 1, cores: host.observedVcpus, threads: 1 },
    features: [],
  };
  return {
    cpu_info: version >= 28 ? cpu : JSON.stringify(cpu),
    vcpus: host.observedVcpus,
    vcpus_used: host.claimedVcpus,
    memory_mb: host.observedMemoryMib,
    memory_mb_used: host.claimedMemoryMib,
    free_ram_mb: host.observedMemoryMib - host.claimedMemoryMib,
    local_gb: host.observedDiskGib,
    local_gb_used: host.claimedDiskGib,
    free_disk_gb: host.observedDiskGib - host.claimedDiskGib,
    disk_available_least: host.observedDiskGib - host.claimedDiskGib,
    running_vms: host.claimedServers,
    current_workload: 0,
  };
}

export function toStatistics(hosts: readonly Host[]): object {
  const sum = (of: (host: Host) => number): number => hosts.reduce((total, host) => total + of(host), 0);
  return {
    count: hosts.length,
    vcpus: sum((host) => host.observedVcpus),
    vcpus_used: sum((host) => host.claimedVcpus),
    memory_mb: sum((host) => host.observedMemoryMib),
    memory_mb_used: sum((host) => host.claimedMemoryMib),
    free_ram_mb: sum((host) => host.observedMemoryMib - host.claimedMemoryMib),
    local_gb: sum((host) => host.observedDiskGib),
    local_gb_used: sum((host) => host.claimedDiskGib),
    free_disk_gb: sum((host) => host.observedDiskGib - host.claimedDiskGib),
    disk_available_least: sum((host) => host.observedDiskGib - host.claimedDiskGib),
    running_vms: sum((host) => host.claimedServers),
    current_workload: 0,
  };
}

export const toServiceView = (host: Host, { version }: Viewer): object => ({
  id: version >= 53 ? host.serviceId : host.number,
  binary: "nova-compute",
  host: host.name,
  zone: host.availabilityZone,
  status: host.disabled ? "disabled" : "enabled",
  state: isUp(host) ? "up" : "down",
  updated_at: host.observedAt === null ? null : isoMicroseconds(host.observedAt),
  disabled_reason: host.disabledReason,
  ...(version >= 11 ? { forced_down: host.forcedDown } : {}),
});

/** Nova's older view of a host. */
export const toHostEntry = (host: Host): object => ({
  host_name: host.name,
  service: "compute",
  zone: host.availabilityZone,
});

type Use = { projectId: string; vcpus: number; memoryMib: number; diskGib: number };

export function toHostResources(host: Host, projects: readonly Use[]): object[] {
  const row = (project: string, cpu: number, memoryMb: number, diskGb: number): object => ({
    resource: { host: host.name, project, cpu, memory_mb: memoryMb, disk_gb: diskGb },
  });
  const sum = (of: (use: Use) => number): number => projects.reduce((total, use) => total + of(use), 0);
  return [
    row("(total)", host.observedVcpus, host.observedMemoryMib, host.observedDiskGib),
    row("(used_now)", host.claimedVcpus, host.claimedMemoryMib, host.claimedDiskGib),
    row(
      "(used_max)",
      sum((use) => use.vcpus),
      sum((use) => use.memoryMib),
      sum((use) => use.diskGib),
    ),
    ...projects.map((use) => row(use.projectId, use.vcpus, use.memoryMib, use.diskGib)),
  ];
}

export const toZoneView = (zone: { zone: string; available: boolean }): object => ({
  zoneName: zone.zone,
  zoneState: { available: zone.available },
  hosts: null,
});

export function toZoneDetails(hosts: readonly Host[]): object[] {
  const zones = new Map<string, Host[]>();
  for (const host of hosts) zones.set(host.availabilityZone, [...(zones.get(host.availabilityZone) ?? []), host]);
  return [...zones].map(([zoneName, members]) => ({
    zoneName,
    zoneState: { available: members.some((host) => isUp(host) && !host.disabled) },
    hosts: Object.fromEntries(
      members.map((host) => [
        host.name,
        {
          "nova-compute": {
            active: !host.disabled,
            available: isUp(host),
            updated_at: host.observedAt === null ? null : isoMicroseconds(host.observedAt),
          },
        },
      ]),
    ),
  }));
}
