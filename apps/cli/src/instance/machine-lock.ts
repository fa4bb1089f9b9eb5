/**
 * Locks that die with their holder and leave no file: names in the abstract space of unix sockets, where a name can be
 * bound once.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { type Server, createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

import { unavailable } from "@andromede/base/errors";

const RETRY_MS = 200;

async function tryLock(name: string): Promise<Server | null> {
  const server = createServer((socket) => socket.destroy());
  try {
    server.listen(`\0${name}`);
    await once(server, "listening");
    server.unref();
    return server;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EADDRINUSE") return null;
    throw error;
  }
}

/** Runs `work` while holding `name`; waits for another holder up to `timeoutMs`, telling `onWait` once that it does. */
export async function withMachineLock<T>(
  name: string,
  timeoutMs: number,
  onWait: () => void,
  work: () => Promise<T>,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let lock = await tryLock(name);
  if (lock === null) onWait();
  while (lock === null) {
    if (performance.now() > deadline) throw unavailable(`somebody else has held "${name}" for ${timeoutMs / 1000} s`);
    // Waiting for a turn is one try after another.
    // eslint-disable-next-line no-await-in-loop
    await delay(RETRY_MS);
    // eslint-disable-next-line no-await-in-loop
    lock = await tryLock(name);
  }
  try {
    return await work();
  } finally {
    lock.close();
  }
}

/** The longest another command may hold a lock: a first `up` on a slow line. */
export const DATA_LOCK_MS = 30 * 60_000;
/** Held while something is chosen that must be unique on the machine. */
export const MACHINE_LOCK = "andromede-machine";
/** Commands on one instance take turns. */
export const instanceLock = (paths: { directory: string }): string => lockName("instance", paths.directory);
/** Instances that share a data directory take turns with what they share. */
export const dataLock = (data: string, what: string): string => lockName(what, data);

/** An abstract socket's name has as little room as a path: long ones are shortened to their hash. */
const lockName = (what: string, path: string): string =>
  `andromede-${what}-${createHash("sha256").update(path).digest("hex").slice(0, 32)}`;
