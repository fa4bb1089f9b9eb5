/**
 * The flavors a cloud has from its first day: the mandatory and recommended ones of the Sovereign Cloud Stack standard
 * SCS-0103 (names by SCS-0100), and two small ones for the image `mini`.
 */
import type { FlavorRequest } from "@andromede/openstack-client/compute";

/** vCPUs and kind (V: shared, L: heavily shared), memory in GiB, and the disks it comes with (none: the volume's or image's own). */
const SCS: [vcpus: number, kind: "V" | "L", memoryGib: number, disks: string[]][] = [
  [1, "L", 1, ["", "-5"]],
  [1, "V", 2, ["", "-5"]],
  [1, "V", 4, ["", "-10"]],
  [1, "V", 8, ["", "-20"]],
  [2, "V", 4, ["", "-10", "-20s"]],
  [2, "V", 8, ["", "-20"]],
  [2, "V", 16, ["", "-50"]],
  [4, "V", 8, ["", "-20"]],
  [4, "V", 16, ["", "-50", "-100s"]],
  [4, "V", 32, ["", "-100"]],
  [8, "V", 16, ["", "-50"]],
  [8, "V", 32, ["", "-100"]],
  [16, "V", 32, ["", "-100"]],
];

export type FlavorWithSpecs = { flavor: FlavorRequest; extraSpecs: { [key: string]: string } };

/** Extra specs are those of SCS-0103: a client finds a flavor by them without parsing its name. */
function scsFlavor(vcpus: number, kind: "V" | "L", memoryGib: number, disk: string): FlavorWithSpecs {
  const base = `SCS-${vcpus}${kind}-${memoryGib}`;
  const size = Number(/\d+/.exec(disk)?.[0] ?? 0);
  const diskType = disk.endsWith("s") ? "ssd" : "network";
  return {
    flavor: { name: `${base}${disk}`, vcpus, ram: memoryGib * 1024, disk: size },
    extraSpecs: {
      "scs:name-v1": `SCS-${vcpus}${kind}:${memoryGib}${disk.replace("-", ":")}`,
      "scs:name-v2": `${base}${disk}`,
      "scs:cpu-type": kind === "V" ? "shared-core" : "crowded-core",
      ...(size === 0 ? {} : { "scs:disk0-type": diskType }),
    },
  };
}

export const FLAVORS: FlavorWithSpecs[] = [
  { flavor: { name: "mini.tiny", vcpus: 1, ram: 128, disk: 1 }, extraSpecs: {} },
  { flavor: { name: "mini.small", vcpus: 1, ram: 256, disk: 2 }, extraSpecs: {} },
  ...SCS.flatMap(([vcpus, kind, memoryGib, disks]) => disks.map((disk) => scsFlavor(vcpus, kind, memoryGib, disk))),
];
