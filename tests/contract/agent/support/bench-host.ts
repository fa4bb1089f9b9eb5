/** What the contract tests need of a host, simulated or real. */
import type { AgentClient } from "@andromede/agent-api/client";
import type { GuestDisk, GuestSpec, ImageLocation } from "@andromede/agent-api/types";
import { newUuid } from "@andromede/base/ids";

export type BenchHost = {
  readonly backend: "qemu" | "simulated";
  readonly client: AgentClient;
  readonly socketPath: string;
  /** The agent ends as by kill -9, and comes back. */
  crashAgent(): Promise<void>;
  startAgent(): Promise<void>;
  /** A bootable disk of this many GiB. */
  disk(sizeGib: number): { disk: GuestDisk; images: ImageLocation[] };
  /** The guest switches itself off. */
  powerOffFromInside(guestId: string): Promise<void>;
  /** The guest's process dies, as it would of a bug or for want of memory. */
  killGuest(guestId: string): Promise<void>;
  /** The guest takes no notice of its power button from now on. */
  ignoreShutdown(guestId: string): Promise<void>;
  /** OVN wires no port until told to. */
  holdPorts(hold: boolean): void;
  /** What is left of a guest on the host: names of processes, files, links, ports. */
  remains(guestId: string): Promise<string[]>;
  stop(): Promise<void>;
};

/** The deadlines the bench's agents are started with. */
export const PORT_TIMEOUT_MS = 3_000;
export const SHUTDOWN_TIMEOUT_MS = 1_500;

/** A guest with one interface. */
export function specOf(host: BenchHost, changes: Partial<GuestSpec> = {}): GuestSpec {
  const { disk, images } = host.disk(1);
  const networkId = newUuid();
  return {
    id: newUuid(),
    name: "contract",
    generation: 1,
    power: "running",
    vcpus: 1,
    memoryMib: 64,
    disks: [disk],
    images,
    interfaces: [{ portId: newUuid(), macAddress: "fa:16:3e:00:00:01", mtu: 1442 }],
    configDrive: false,
    metadata: { files: { "openstack/latest/meta_data.json": "{}" } },
    addresses: [{ networkId, address: "10.0.0.5" }],
    networks: [{ id: networkId, metadataPort: null }],
    ...changes,
  };
}
