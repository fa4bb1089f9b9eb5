/** For tests of what a crash leaves: the agent dies, as by kill -9, at a named step of an operation on storage. */
import type { StepHook } from "./volumes/driver.ts";

/** `wanted`: a step's name, `name#3` for the third time; undefined or empty: it lives. */
export function crashPoint(wanted = ""): StepHook {
  const [name, times = "1"] = wanted.split("#");
  let left = Number(times);
  return (step) => {
    if (step !== name) return;
    left -= 1;
    if (left === 0) process.kill(process.pid, "SIGKILL");
  };
}
