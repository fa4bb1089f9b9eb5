/** The cloud's programs and engines, as `andromede status --json` names them. */
import { waitUntil } from "@andromede/base/waiting";

import type { Cloud } from "./cloud.ts";

export type ProgramStatus = {
  name: string;
  description: string;
  state: string;
  pid: number | null;
  memoryMib: number | null;
  since: string | null;
  restarts: number;
  lastExit: string | null;
  log: string;
};
export type CloudStatus = {
  instance: string;
  accelerator: string;
  acceleratorReason: string;
  supervision: string;
  programs: ProgramStatus[];
  memoryMib: number;
  up: boolean;
};

/** Also of a cloud that is not wholly up, for which the exit code is 3. */
export async function statusOf(cloud: Cloud): Promise<CloudStatus> {
  const finished = await cloud.tryAndromede("status", "--json");
  if (![0, 3].includes(finished.code)) throw new Error(`status: exit ${finished.code}: ${finished.stderr}`);
  return JSON.parse(finished.stdout) as CloudStatus;
}

/** Waits until the program runs, as another process than `not`; its pid. */
export function pidOf(cloud: Cloud, name: string, not?: number): Promise<number> {
  return waitUntil(
    `${name} running`,
    async () => {
      const program = (await statusOf(cloud)).programs.find((one) => one.name === name);
      if (program === undefined) throw new Error(`status knows no program ${name}`);
      return program.state === "running" && program.pid !== null && program.pid !== not ? program.pid : undefined;
    },
    { timeoutMs: 60_000, everyMs: 100 },
  );
}

/** Name -> pid of all that runs. */
export async function pidsOf(cloud: Cloud): Promise<{ [name: string]: number | null }> {
  return Object.fromEntries((await statusOf(cloud)).programs.map(({ name, pid }) => [name, pid]));
}
