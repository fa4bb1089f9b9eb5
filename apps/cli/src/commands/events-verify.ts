import { spawn } from "node:child_process";
import { once } from "node:events";

import { jailEnvironment } from "@andromede/engines/jail";

import { controlPlaneCommand } from "../units/programs.ts";
import { openStack } from "./opened-instance.ts";

/** `andromede events verify`: the control plane's program recomputes the log; its words and exit code are ours. */
export async function eventsVerify(command: { instance: string; data: string }): Promise<number> {
  const [program = "", ...args] = controlPlaneCommand(await openStack(command), ["events", "verify"]);
  const child = spawn(program, args, {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...jailEnvironment, PATH: "/usr/sbin:/usr/bin:/sbin:/bin", ANDROMEDE_LOG_LEVEL: "warn" },
  });
  const [code] = (await once(child, "exit")) as [number | null];
  return code ?? 1;
}
