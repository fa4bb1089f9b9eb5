/** A server's wanted state in the words of the agent's contract. Pure. */
import type { GuestDisk, GuestMetadata, GuestSpec } from "@andromede/agent-api/types";

import type { ServerInterface } from "../../network/public.ts";
import type { Server } from "./server.model.ts";

/** `imagePath`: null once the image is gone; a host that has the disk needs it no more. */
export function toGuestSpec(
  server: Server,
  interfaces: ServerInterface[],
  imagePath: string | null,
  metadata: GuestMetadata,
): GuestSpec {
  const networks = new Map(
    interfaces.map((nic) => [nic.networkId, { id: nic.networkId, metadataPort: nic.metadataPort }]),
  );
  return {
    id: server.id,
    name: server.name,
    generation: server.generation,
    power: server.power,
    powerNonce: server.powerNonce,
    vcpus: server.flavor.vcpus,
    memoryMib: server.flavor.ramMib,
    disks: toDisks(server),
    images: imagePath === null ? [] : [{ imageId: server.imageId, path: imagePath }],
    interfaces: interfaces.map((nic) => ({ portId: nic.id, macAddress: nic.macAddress, mtu: nic.mtu })),
    configDrive: server.configDrive,
    metadata,
    addresses: interfaces.flatMap((nic) => nic.addresses.map(({ address }) => ({ networkId: nic.networkId, address }))),
    networks: [...networks.values()],
  };
}

function toDisks(server: Server): GuestDisk[] {
  const { flavor, image } = server;
  const disks: GuestDisk[] = [];
  if (image !== null) {
    const source = { kind: "image" as const, imageId: server.imageId, ...image };
    disks.push({ id: "root", source, sizeGib: flavor.diskGib, bootIndex: 0 });
  }
  if (flavor.ephemeralGib > 0)
    disks.push({ id: "ephemeral0", source: { kind: "empty" }, sizeGib: flavor.ephemeralGib });
  if (flavor.swapMib > 0)
    disks.push({ id: "swap", source: { kind: "empty" }, sizeGib: Math.ceil(flavor.swapMib / 1024) });
  return disks;
}
