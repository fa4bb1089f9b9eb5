/** For tests of what a crash leaves: the program dies, as by kill -9, the given time it comes to a named step. */

const [wanted, times] = (process.env["ANDROMEDE_CRASH_AT"] ?? "").split(":");
let left = Number(times ?? 1);

/** `ANDROMEDE_CRASH_AT=<step>[:<nth time>]`; without it, nothing. */
export function crashPoint(step: CrashStep): void {
  if (step !== wanted) return;
  left -= 1;
  if (left <= 0) process.kill(process.pid, "SIGKILL");
}

/** Between which two steps of writing and collecting somebody may die. */
export type CrashStep =
  | "chunk-written"
  | "chunk-synced"
  | "chunk-renamed"
  | "pack-created"
  | "pack-written"
  | "pack-synced"
  | "writer-ended"
  | "chunk-unlinked"
  | "pack-moved"
  | "pack-unlinked";
