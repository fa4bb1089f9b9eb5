import { closeSync, constants, fstatSync, openSync } from "node:fs";

import { unavailable } from "@andromede/base/errors";

/** Linux's O_PATH, which Node has no name for: names a file without opening it. */
const O_PATH = 0o10000000;

/**
 * A path to the unix socket at `path` that is surely short enough (sun_path has 108 bytes), and that is this socket and
 * nothing else: a guest's sockets are in a directory that its QEMU may write to, and one that was taken over could put a
 * link to somebody else's socket in the place of its own. Throws when there is no socket. `release` MUST be called once
 * connected (or failed), and may be called twice.
 */
export function socketPath(path: string): { path: string; release: () => void } {
  let descriptor: number | null = openSync(path, O_PATH | constants.O_NOFOLLOW);
  const release = (): void => {
    if (descriptor !== null) closeSync(descriptor);
    descriptor = null;
  };
  if (!fstatSync(descriptor).isSocket()) {
    release();
    throw unavailable(`${path} is not a socket`);
  }
  return { path: `/proc/self/fd/${descriptor}`, release };
}
