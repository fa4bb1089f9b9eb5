/** A server's wanted state in the words of the agent's contract. Pure. */
import type { GuestDisk, GuestMetadata, GuestSpec, ImageLocation } from "@andromede/agent-api/types";

import type { ServerInterface } from "../../network/public.ts";
import { type NamedImage, type Rescue, type Server, diskImageOf, rootGibOf } from "./server.model.ts";
import type { ServerDisk as VolumeDisk } from "../../volume/public.ts";
import { type ServerDisk, localDisks, toGuestVolumes } from "../volumes/server-disk.model.ts";
import { showsRescue, wantedPower } from "./server-tasks.ts";

/** `images`: without those that are gone; a host that has the disk needs them no more. `volumes`: what `disks` name. */
export type GuestMaterial = { images: ImageLocation[]; disks: readonly ServerDisk[]; volumes: readonly VolumeDisk[] };

export function toGuestSpec(
  server: Server,
  interfaces: ServerInterface[],
  { images, disks, volumes }: GuestMaterial,
  metadata: GuestMetadata,
): GuestSpec {
  const networks = new Map(
    interfaces.map((nic) => [nic.networkId, { id: nic.networkId, metadataPort: nic.metadataPort }]),
  );
  return {
    id: server.id,
    name: server.name,
    generation: server.generation,
    power: wantedPower(server),
    powerNonce: server.powerNonce,
    vcpus: server.flavor.vcpus,
    memoryMib: server.flavor.ramMib,
    disks: [
      ...toDisks(server, disks),
      ...toGuestVolumes(disks, volumes, rescueOf(server) !== null),
      ...rescueDisk(server, true),
    ],
    images,
    interfaces: interfaces.map((nic) => ({ portId: nic.id, macAddress: nic.macAddress, mtu: nic.mtu })),
    configDrive: server.configDrive,
    metadata,
    addresses: interfaces.flatMap((nic) => nic.addresses.map(({ address }) => ({ networkId: nic.networkId, address }))),
    networks: [...networks.values()],
  };
}

function toDisks(server: Server, rows: readonly ServerDisk[]): GuestDisk[] {
  const { flavor } = server;
  const root = diskImageOf(server);
  const rescue = rescueOf(server);
  const disks: GuestDisk[] = rescueDisk(server, false);
  if (root !== null) {
    disks.push({
      id: "root",
      source: imageSource(root),
      ...(server.diskNonce === null ? {} : { nonce: server.diskNonce }),
      sizeGib: rootGibOf(server),
      // a rescued server has its disk as the second one, or where it was
      ...(rescue === null ? { bootIndex: 0 } : {}),
    });
  }
  const kept = rescue === null || rescue.stable ? {} : { detached: true as const };
  for (const local of localDisks(flavor, rows)) {
    // a new size of swap is a new disk: nobody misses what was swapped out
    const nonce = `${server.ephemeralNonce ?? ""}${local.id.startsWith("swap") ? `/${flavor.swapMib}` : ""}`;
    disks.push({ ...local, source: { kind: "empty" }, nonce, ...kept });
  }
  return disks;
}

/** What the guest boots from instead of its own disk; null: it does not. */
const rescueOf = (server: Server): Rescue | null => (showsRescue(server) ? server.rescue : null);

/** The last disk of a stable rescue, the first of any other. */
function rescueDisk(server: Server, isLast: boolean): GuestDisk[] {
  const rescue = rescueOf(server);
  if (rescue === null || rescue.stable !== isLast) return [];
  return [{ id: "rescue", source: imageSource(rescue.image), sizeGib: 0, bootIndex: 0 }];
}

const imageSource = ({ id, sha512, format, sizeBytes }: NamedImage): GuestDisk["source"] => ({
  kind: "image",
  imageId: id,
  sha512,
  format,
  sizeBytes,
});
