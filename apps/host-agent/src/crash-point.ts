/** For tests of what a crash leaves: the agent dies, as by kill -9, at a named step of an operation on storage. */
import type { StepHook } from "./volumes/driver.ts";

/** `wanted`: a step's name; undefined or empty: it lives. */
export function crashPoint(wanted: string | undefined): StepHook {
  return (step) => {
    if (step === wanted) process.kill(process.pid, "SIGKILL");
  };
}
