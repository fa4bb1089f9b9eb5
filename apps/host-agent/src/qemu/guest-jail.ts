/** What a guest's process sees: its own disks, its images (read only), its sockets. Pure. */
import { join } from "node:path";

import type { Bind, Device, Jail } from "../jail/jail.ts";
import type { MachineLayout } from "./layout.ts";

/** Paths inside the jail. Overlays name their image by them, so a disk means the same wherever the data directory is. */
export const basePath = (imageId: string): string => `/guest/base/${imageId}`;
export const diskPath = (diskId: string): string => `/guest/disks/${diskId}.qcow2`;
export const runPath = (name: string): string => `/guest/run/${name}`;
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
};

/** The jail of a guest's QEMU. */
export function guestJail(layout: MachineLayout, options: GuestJailOptions): Jail {
  const { paths, imagePath } = options;
  const images = new Set(layout.disks.flatMap(({ imageId }) => imageId ?? []));
  const binds: Bind[] = [
    { source: paths.run, target: "/guest/run", writable: true },
    ...layout.disks.map(({ id }) => ({ source: paths.disk(id), target: diskPath(id), writable: true })),
    ...[...images].map((imageId) => ({ source: imagePath(imageId), target: basePath(imageId) })),
    ...(layout.configDrive ? [{ source: paths.configDrive, target: CONFIG_DRIVE_PATH }] : []),
  ];
  return {
    engineRoot: options.engineRoot,
    binds,
    devices: [options.tun],
    network: options.namespacePath === null ? "inherit" : { path: options.namespacePath },
    user: options.user,
    cgroups: options.cgroups,
    limits: {},
  };
}
