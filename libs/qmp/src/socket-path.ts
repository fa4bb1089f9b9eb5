import { closeSync, openSync } from "node:fs";
import { basename, dirname } from "node:path";

/** Linux's limit on a unix socket's path (sun_path), with its ending zero. */
const LIMIT = 108;

/**
 * A path to the same socket that is surely short enough: through the directory's descriptor where the real one is too
 * long. `release` MUST be called once connected (or failed), and may be called twice.
 */
export function shortSocketPath(path: string): { path: string; release: () => void } {
  if (Buffer.byteLength(path) < LIMIT) return { path, release: () => undefined };
  let descriptor: number | null = openSync(dirname(path), "r");
  return {
    path: `/proc/self/fd/${descriptor}/${basename(path)}`,
    release() {
      if (descriptor !== null) closeSync(descriptor);
      descriptor = null;
    },
  };
}
