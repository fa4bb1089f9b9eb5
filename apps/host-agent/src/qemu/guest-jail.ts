/** What a guest's process sees: its own disks, its images (read only), its sockets. Pure. */
import { dirname, join } from "node:path";

import type { Bind, Device, Jail } from "../jail/jail.ts";
import type { MachineLayout } from "./layout.ts";

/** Paths inside the jail. Overlays name their image by them, so a disk means the same wherever the data directory is. */
export const basePath = (imageId: string): string => `/guest/base/${imageId}`;
export const diskPath = (diskId: string): string => `/guest/disks/${diskId}.qcow2`;
export const runPath = (name: string): string => `/guest/run/${name}`;
export const volumePath = (volumeId: string): string => `/guest/volumes/${volumeId}.qcow2`;
/** Of the server of a volume that several guests have. */
export const sharedVolumePath = (volumeId: string): string => `/guest/volumes/${volumeId}.nbd`;
/** By slot, as the device that it is for. */
export const keyPath = (slot: number): string => `${KEYS_PATH}/${slot}`;
export const KEYS_PATH = "/guest/keys";
export const CONFIG_DRIVE_PATH = "/guest/config-drive.iso";

/** Where things of a guest are on the host. */
export type GuestPaths = {
  directory: string;
  disks: string;
  disk(diskId: string): string;
  run: string;
  qmpSocket: string;
  vncSocket: string;
  serialSocket: string;
  agentSocket: string;
  savedState: string;
  configDrive: string;
  /** The machine its process is. */
  machine: string;
  /** That a process was started, and whether it ever ran. */
  process: string;
  /** The saved state is whole. */
  suspended: string;
  console: string;
  log: string;
};

export function guestPaths(dataDir: string, guestId: string): GuestPaths {
  const directory = join(dataDir, "guests", guestId);
  const run = join(directory, "run");
  return {
    directory,
    disks: join(directory, "disks"),
    disk: (diskId) => join(directory, "disks", `${diskId}.qcow2`),
    run,
    qmpSocket: join(run, "qmp.sock"),
    vncSocket: join(run, "vnc.sock"),
    serialSocket: join(run, "serial.sock"),
    agentSocket: join(run, "agent.sock"),
    savedState: join(run, "state"),
    configDrive: join(directory, "config-drive.iso"),
    machine: join(directory, "machine.json"),
    process: join(directory, "process.json"),
    suspended: join(directory, "suspended.json"),
    console: join(directory, "console.log"),
    log: join(directory, "qemu.log"),
  };
}

export type GuestJailOptions = {
  engineRoot: string;
  paths: GuestPaths;
  imagePath: (imageId: string) => string;
  namespacePath: string | null;
  tun: Device;
  user: { uid: number; gid: number };
  cgroups: readonly string[];
  /** Where its volumes are linked to: what comes there while it runs, it sees. null: the host has no volumes. */
  volumesDirectory: string | null;
  /** Descriptors that the command inherits, and the slots of the volumes whose keys they give. */
  keys: readonly { slot: number; descriptor: number }[];
};

/** The jail of a guest's QEMU. */
export function guestJail(layout: MachineLayout, options: GuestJailOptions): Jail {
  const { paths, imagePath, volumesDirectory } = options;
  const own = layout.disks.filter(({ volume }) => volume === null);
  const images = new Set(layout.disks.flatMap(({ imageId }) => imageId ?? []));
  const binds: Bind[] = [
    { source: paths.run, target: "/guest/run", writable: true },
    ...own.map(({ id }) => ({ source: paths.disk(id), target: diskPath(id), writable: true })),
    ...[...images].map((imageId) => ({ source: imagePath(imageId), target: basePath(imageId) })),
    ...(layout.configDrive ? [{ source: paths.configDrive, target: CONFIG_DRIVE_PATH }] : []),
    // Its own user may not write there: files of its own could not get into the pool.
    ...(volumesDirectory === null
      ? []
      : [{ source: volumesDirectory, target: dirname(volumePath("")), writable: true }]),
  ];
  return {
    engineRoot: options.engineRoot,
    binds,
    devices: [options.tun],
    network: options.namespacePath === null ? "inherit" : { path: options.namespacePath },
    user: options.user,
    cgroups: options.cgroups,
    secrets: options.keys.map(({ slot, descriptor }) => ({ descriptor, target: keyPath(slot) })),
    limits: {},
  };
}
