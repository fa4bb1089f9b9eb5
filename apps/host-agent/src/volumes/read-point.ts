/** How programs read a snapshot of a volume. */
import { dirname } from "node:path";

import type { Bind } from "../jail/jail.ts";
import type { PointInTime } from "./driver.ts";
import { EXPORT_NAME, type ToolUse, type VolumeTools, imageOptions } from "./tools.ts";

const SOURCE = "/volume/source";

/** What goes onto qemu-img's command line; `key` is secret number `keyAt` of it. */
export type Readable = { args: string[]; image: string; files: Bind[]; key: string | null };

/** Serves a snapshot over NBD while `work` runs; the export may be larger than the snapshot, and is zeroes there. */
export function serveSnapshot<T>(
  tools: VolumeTools,
  point: PointInTime,
  { owner, signal }: Pick<ToolUse, "owner" | "signal">,
  work: (socketPath: string, alive: AbortSignal) => Promise<T>,
): Promise<T> {
  const { key } = point.volume;
  const image = imageOptions(SOURCE, { key: key === null ? null : 0, readOnly: true });
  return tools.serve(
    ["-r", "-l", `snapshot.name=${point.snapshot}`, "--image-opts", image],
    { owner, files: [{ source: point.path, target: SOURCE }], keys: [key], what: "serving a snapshot", signal },
    work,
  );
}

/**
 * Calls `work` with what makes qemu-img read the snapshot, as large as it is. It takes a snapshot for as large as the
 * volume has become since; in between, NBD and a raw image of so many bytes set that right.
 */
export function withReadable<T>(
  tools: VolumeTools,
  point: PointInTime,
  { owner, signal, keyAt }: Pick<ToolUse, "owner" | "signal"> & { keyAt: number },
  work: (source: Readable, alive: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  const { path, snapshot, sizeBytes, volumeBytes, volume } = point;
  if (sizeBytes === volumeBytes) {
    const image = imageOptions(SOURCE, { key: volume.key === null ? null : keyAt });
    const args = ["-U", "-l", `snapshot.name=${snapshot}`];
    return work({ args, image, files: [{ source: path, target: SOURCE }], key: volume.key }, signal);
  }
  return serveSnapshot(tools, point, { owner, signal }, (socketPath, alive) => {
    const server = "file.driver=nbd,file.server.type=unix,file.server.path=/nbd/s";
    const image = `driver=raw,offset=0,size=${sizeBytes},${server},file.export=${EXPORT_NAME}`;
    return work({ args: [], image, files: [{ source: dirname(socketPath), target: "/nbd" }], key: null }, alive);
  });
}
