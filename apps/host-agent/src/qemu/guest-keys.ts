/** How the keys of encrypted volumes reach a guest's process that starts: by pipes, into files of its jail's memory. */
import { unavailable } from "@andromede/base/errors";

import { removePath } from "../durable.ts";
import { type ProcessRecord, commandLineOf } from "../jail/process.ts";
import { KEYS_PATH } from "./guest-jail.ts";
import type { MachineLayout } from "./layout.ts";

type Given = { descriptors: { slot: number; descriptor: number }[]; contents: string[] };

/** What a machine's process has to inherit. `keys`: by disk; `first`: the first descriptor that is free. */
export function keysFor(layout: MachineLayout, keys: ReadonlyMap<string, string>, first: number): Given {
  const given: Given = { descriptors: [], contents: [] };
  for (const { id, volume } of layout.disks) {
    if (volume === null || !volume.encrypted) continue;
    const key = keys.get(id);
    if (key === undefined) throw unavailable(`the key of volume ${volume.volumeId} is not known`);
    given.descriptors.push({ slot: volume.slot, descriptor: first + given.contents.length });
    given.contents.push(key);
  }
  return given;
}

/** QEMU has read them: from here on nobody finds them in its jail. */
export async function forgetKeys(processes: readonly ProcessRecord[], layout: MachineLayout): Promise<void> {
  if (!layout.disks.some(({ volume }) => volume?.encrypted === true)) return;
  const pid = await qemuAmong(processes);
  if (pid !== null) await removePath(`/proc/${pid}/root${KEYS_PATH}`);
}

/** QEMU's own pid. Those that wrap it have the machine's own root directory. */
export async function qemuAmong(processes: readonly ProcessRecord[]): Promise<number | null> {
  const programs = await Promise.all(
    processes.map(async ({ pid }) => ({ pid, program: (await commandLineOf(pid))[0] ?? "" })),
  );
  return programs.find(({ program }) => program.startsWith("qemu-system"))?.pid ?? null;
}
