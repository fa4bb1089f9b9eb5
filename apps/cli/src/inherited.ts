/**
 * What the caller's shell had open (a log, a pipe, a socket of a CI runner) is open in us too, and would be in everything we
 * start: engines, programs, guests, for as long as they live. Node sees to the descriptors up to 15 only.
 */
import { closeSync, readFileSync, readdirSync } from "node:fs";

/** The kernel's O_CLOEXEC, as /proc/self/fdinfo shows it. Node opens everything of its own with it. */
const CLOSE_ON_EXEC = 0o2000000;

/** Closes every descriptor, besides the standard three, that a program started by us would have as well. */
export function closeInherited(): void {
  for (const name of readdirSync("/proc/self/fd")) {
    const descriptor = Number(name);
    if (descriptor > 2 && isPassedOn(name)) closeSync(descriptor);
  }
}

function isPassedOn(name: string): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${name}`, "utf8"))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0;
  } catch {
    // that of the directory just read: closed by now
    return false;
  }
}
