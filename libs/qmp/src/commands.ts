/** One typed function per QMP command that we use (QEMU's qapi/*.json). */
import { isObject } from "@andromede/base/json";

import type { QmpMonitor } from "./monitor.ts";

/** QEMU's RunState. The last member stands for those that we treat alike. */
export type RunState =
  | "prelaunch"
  | "inmigrate"
  | "running"
  | "paused"
  | "postmigrate"
  | "finish-migrate"
  | "save-vm"
  | "restore-vm"
  | "shutdown"
  | "suspended"
  | "internal-error"
  | "io-error"
  | "guest-panicked"
  | "watchdog"
  | "debug"
  | "colo";

const field = (value: unknown, name: string): unknown => (isObject(value) ? value[name] : undefined);

/** What the guest's virtual processors are doing. */
export async function queryStatus(monitor: QmpMonitor): Promise<RunState> {
  return String(field(await monitor.execute("query-status"), "status")) as RunState;
}

/** Lets the virtual processors run. */
export async function cont(monitor: QmpMonitor): Promise<void> {
  await monitor.execute("cont");
}

/** Stops the virtual processors; the guest does not notice. */
export async function stop(monitor: QmpMonitor): Promise<void> {
  await monitor.execute("stop");
}

/** Presses the ACPI power button. The guest may ignore it. */
export async function systemPowerdown(monitor: QmpMonitor): Promise<void> {
  await monitor.execute("system_powerdown");
}

/** Ends QEMU; what the guest had not flushed is lost. */
export async function quit(monitor: QmpMonitor): Promise<void> {
  await monitor.execute("quit");
}

/** Plugs a device. Members are those of `-device`. */
export async function deviceAdd(
  monitor: QmpMonitor,
  device: { driver: string; id: string; [property: string]: unknown },
): Promise<void> {
  await monitor.execute("device_add", device);
}

/** Asks the guest to let go of a device; `DEVICE_DELETED` follows when it has. */
export async function deviceDel(monitor: QmpMonitor, id: string): Promise<void> {
  await monitor.execute("device_del", { id });
}

/** Opens a network backend. Members are those of `-netdev`. */
export async function netdevAdd(
  monitor: QmpMonitor,
  netdev: { type: string; id: string; [property: string]: unknown },
): Promise<void> {
  await monitor.execute("netdev_add", netdev);
}

/** Closes a network backend. */
export async function netdevDel(monitor: QmpMonitor, id: string): Promise<void> {
  await monitor.execute("netdev_del", { id });
}

/** Raises or drops the carrier that the guest sees on a network device. */
export async function setLink(monitor: QmpMonitor, name: string, up: boolean): Promise<void> {
  await monitor.execute("set_link", { name, up });
}

/** Ids of the devices in a part of QEMU's object tree, e.g. `/machine/peripheral`: those named on the command line or by device_add. */
export async function listObjects(monitor: QmpMonitor, path: string): Promise<string[]> {
  const entries = await monitor.execute("qom-list", { path });
  return (Array.isArray(entries) ? (entries as unknown[]) : [])
    .filter((entry) => String(field(entry, "type")).startsWith("child<"))
    .map((entry) => String(field(entry, "name")));
}

/** Starts sending the guest's state to `uri`; the virtual processors stop at the end of it. */
export async function migrate(monitor: QmpMonitor, uri: string): Promise<void> {
  await monitor.execute("migrate", { uri });
}

/** How a migration (either way) stands. */
export type MigrationStatus = {
  status: "none" | "setup" | "active" | "device" | "completed" | "failed" | "cancelled";
  reason?: string;
};

/** How the running or last migration stands. */
export async function queryMigrate(monitor: QmpMonitor): Promise<MigrationStatus> {
  const answer = await monitor.execute("query-migrate");
  const said = field(answer, "status");
  const status = (typeof said === "string" ? said : "none") as MigrationStatus["status"];
  const reason = field(answer, "error-desc");
  return typeof reason === "string" ? { status, reason } : { status };
}

/** Turns migration capabilities on or off, e.g. `events`. */
export async function setMigrationCapabilities(
  monitor: QmpMonitor,
  capabilities: { [name: string]: boolean },
): Promise<void> {
  await monitor.execute("migrate-set-capabilities", {
    capabilities: Object.entries(capabilities).map(([capability, state]) => ({ capability, state })),
  });
}

/** Sets migration parameters, e.g. `max-bandwidth`. */
export async function setMigrationParameters(
  monitor: QmpMonitor,
  parameters: { [name: string]: unknown },
): Promise<void> {
  await monitor.execute("migrate-set-parameters", parameters);
}

/** Starts taking in a state; for a QEMU started with `-incoming defer`. */
export async function migrateIncoming(monitor: QmpMonitor, uri: string): Promise<void> {
  await monitor.execute("migrate-incoming", { uri });
}

/** Takes what is in a `ringbuf` character device, oldest first. */
export async function ringbufRead(monitor: QmpMonitor, device: string, size: number): Promise<Buffer> {
  const text = await monitor.execute("ringbuf-read", { device, size, format: "base64" });
  return Buffer.from(typeof text === "string" ? text : "", "base64");
}

/** Opens a block node. Members are those of `-blockdev`. */
export async function blockdevAdd(
  monitor: QmpMonitor,
  node: { driver: string; "node-name": string; [property: string]: unknown },
): Promise<void> {
  await monitor.execute("blockdev-add", node);
}

/** Closes a block node that no device has any more. */
export async function blockdevDel(monitor: QmpMonitor, nodeName: string): Promise<void> {
  await monitor.execute("blockdev-del", { "node-name": nodeName });
}

/** Gives QEMU a secret under a name, for `key-secret` of a block node. */
export async function secretAdd(monitor: QmpMonitor, id: string, data: string): Promise<void> {
  await monitor.execute("object-add", { "qom-type": "secret", id, data });
}

/** Removes an object that `-object` or `object-add` made. */
export async function objectDel(monitor: QmpMonitor, id: string): Promise<void> {
  await monitor.execute("object-del", { id });
}

/** What `block_set_io_throttle` limits; 0: not limited. */
export type IoThrottle = {
  bps: number;
  bps_rd: number;
  bps_wr: number;
  iops: number;
  iops_rd: number;
  iops_wr: number;
};

/** Limits what the guest does on a disk; the device's own throttle group. */
export async function blockSetIoThrottle(monitor: QmpMonitor, deviceId: string, limits: IoThrottle): Promise<void> {
  await monitor.execute("block_set_io_throttle", { id: backendPath(deviceId), ...limits });
}

/** Where in QEMU's object tree the part of a virtio block device is that block statistics and limits are of. */
export const backendPath = (deviceId: string): string => `/machine/peripheral/${deviceId}/virtio-backend`;

/** Makes a node (and the device on it, which the guest is told) this large. */
export async function blockResize(monitor: QmpMonitor, nodeName: string, sizeBytes: number): Promise<void> {
  await monitor.execute("block_resize", { "node-name": nodeName, size: sizeBytes });
}

/** Takes an internal snapshot of a qcow2 node. */
export async function snapshotTake(monitor: QmpMonitor, nodeName: string, name: string): Promise<void> {
  await monitor.execute("blockdev-snapshot-internal-sync", { device: nodeName, name }, { timeoutMs: SNAPSHOT_MS });
}

/** Removes an internal snapshot. */
export async function snapshotDelete(monitor: QmpMonitor, nodeName: string, name: string): Promise<void> {
  await monitor.execute(
    "blockdev-snapshot-delete-internal-sync",
    { device: nodeName, name },
    { timeoutMs: SNAPSHOT_MS },
  );
}

const SNAPSHOT_MS = 300_000;

/** A block node as far as we look: how large, and its internal snapshots. */
export type BlockNode = { nodeName: string; sizeBytes: number; snapshots: string[] };

/** All named block nodes. */
export async function queryBlockNodes(monitor: QmpMonitor): Promise<BlockNode[]> {
  const nodes = await monitor.execute("query-named-block-nodes", { flat: true });
  return list(nodes).map((node) => {
    const image = field(node, "image");
    return {
      nodeName: String(field(node, "node-name")),
      sizeBytes: Number(field(image, "virtual-size")),
      snapshots: list(field(image, "snapshots")).map((snapshot) => String(field(snapshot, "name"))),
    };
  });
}

const list = (value: unknown): unknown[] => (Array.isArray(value) ? (value as unknown[]) : []);

/** What a guest did on a disk so far. `device`: its id. */
export type BlockStatistics = {
  device: string;
  readBytes: number;
  writtenBytes: number;
  reads: number;
  writes: number;
  flushes: number;
};

/** Counters of all devices' disks. */
export async function queryBlockStatistics(monitor: QmpMonitor): Promise<BlockStatistics[]> {
  return list(await monitor.execute("query-blockstats")).flatMap((entry) => {
    const path = field(entry, "qdev");
    const stats = field(entry, "stats");
    if (typeof path !== "string") return [];
    const count = (name: string): number => Number(field(stats, name) ?? 0);
    return {
      device: /^\/machine\/peripheral\/([^/]+)/.exec(path)?.[1] ?? path,
      readBytes: count("rd_bytes"),
      writtenBytes: count("wr_bytes"),
      reads: count("rd_operations"),
      writes: count("wr_operations"),
      flushes: count("flush_operations"),
    };
  });
}

/** Kernel thread ids of the virtual processors, by their number. */
export async function queryCpus(monitor: QmpMonitor): Promise<{ cpu: number; threadId: number }[]> {
  return list(await monitor.execute("query-cpus-fast")).map((cpu) => ({
    cpu: Number(field(cpu, "cpu-index")),
    threadId: Number(field(cpu, "thread-id")),
  }));
}

/** Raises a non-maskable interrupt on all virtual processors. */
export async function injectNmi(monitor: QmpMonitor): Promise<void> {
  await monitor.execute("inject-nmi");
}
