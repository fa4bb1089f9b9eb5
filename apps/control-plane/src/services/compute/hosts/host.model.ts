/** A host as operators see it: one agent, one hypervisor, one `nova-compute` service. */

export type Host = {
  name: string;
  number: number;
  hypervisorId: string;
  serviceId: string;
  availabilityZone: string;
  disabled: boolean;
  disabledReason: string | null;
  disabledAt: Date | null;
  forcedDown: boolean;
  claimedServers: number;
  claimedVcpus: number;
  claimedMemoryMib: number;
  claimedDiskGib: number;
  createdAt: Date;
  observedVcpus: number;
  observedMemoryMib: number;
  observedDiskGib: number;
  observedHostname: string;
  observedBackend: string;
  observedAccelerator: string;
  observedAcceleratorReason: string | null;
  observedChassis: string | null;
  observedAt: Date | null;
  observedLostAt: Date | null;
};

/** Its agent is connected, and no operator says otherwise. */
export const isUp = (host: Pick<Host, "observedAt" | "observedLostAt" | "forcedDown">): boolean =>
  host.observedAt !== null && host.observedLostAt === null && !host.forcedDown;
