/** A guest's diagnostics on the wire: the driver's own names until 2.47, everybody's from 2.48 on. Pure. */
import type { GuestDiagnostics, LinkCounters } from "@andromede/agent-api/types";

import type { Server } from "./server.model.ts";

/** libvirt's names of disks and interfaces: in the order of the guest. */
const diskName = (index: number): string => `vd${String.fromCharCode("a".charCodeAt(0) + index)}`;
const tapName = (portId: string): string => `tap${portId.slice(0, 11)}`;

const counters = (name: string, way: "rx" | "tx", link: LinkCounters): object => ({
  [`${name}_${way}`]: link.bytes,
  [`${name}_${way}_packets`]: link.packets,
  [`${name}_${way}_errors`]: link.errors,
  [`${name}_${way}_drop`]: link.drops,
});

export function toDriverDiagnostics({ cpus, memory, disks, interfaces }: GuestDiagnostics): object {
  const members: { [name: string]: unknown } = {
    memory: memory.maximumMib * 1024,
    "memory-rss": memory.usedMib * 1024,
  };
  for (const cpu of cpus) members[`cpu${cpu.id}_time`] = cpu.timeNs;
  for (const [index, disk] of disks.entries()) {
    const name = diskName(index);
    Object.assign(members, {
      [`${name}_read`]: disk.readBytes,
      [`${name}_read_req`]: disk.readRequests,
      [`${name}_write`]: disk.writtenBytes,
      [`${name}_write_req`]: disk.writeRequests,
      [`${name}_errors`]: -1,
    });
  }
  for (const nic of interfaces) {
    const name = tapName(nic.portId);
    Object.assign(members, counters(name, "rx", nic.received), counters(name, "tx", nic.sent));
  }
  return members;
}

export const toDiagnostics = (
  server: Server,
  { cpus, memory, disks, interfaces, uptimeSeconds }: GuestDiagnostics,
) => ({
  state: "running",
  driver: "libvirt",
  hypervisor: "qemu",
  hypervisor_os: "linux",
  uptime: uptimeSeconds,
  config_drive: server.configDrive,
  num_cpus: cpus.length,
  num_nics: interfaces.length,
  num_disks: disks.length,
  memory_details: { maximum: memory.maximumMib, used: memory.usedMib },
  cpu_details: cpus.map(({ id, timeNs }) => ({ id, time: timeNs, utilisation: null })),
  nic_details: interfaces.map(({ macAddress, received, sent }) => ({
    mac_address: macAddress,
    rx_octets: received.bytes,
    rx_errors: received.errors,
    rx_drop: received.drops,
    rx_packets: received.packets,
    rx_rate: null,
    tx_octets: sent.bytes,
    tx_errors: sent.errors,
    tx_drop: sent.drops,
    tx_packets: sent.packets,
    tx_rate: null,
  })),
  disk_details: disks.map(({ readBytes, readRequests, writtenBytes, writeRequests }) => ({
    read_bytes: readBytes,
    read_requests: readRequests,
    write_bytes: writtenBytes,
    write_requests: writeRequests,
    errors_count: null,
  })),
});
