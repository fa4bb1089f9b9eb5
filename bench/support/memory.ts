/** What a cloud's programs have in memory. */
import { readFileSync, readdirSync } from "node:fs";

import type { BenchCloud } from "./cloud.ts";
import { emit, inMib, round } from "./measure.ts";

type Status = { programs: { name: string; pid: number | null; memoryMib?: number }[] };

/** Proportional set size of each program, its children included; the supervisor is the parent of most, and comes last. */
export function emitMemory(cloud: BenchCloud, figure = "memory"): void {
  const { programs } = JSON.parse(cloud.andromede("status", "--json")) as Status;
  const counted = new Set<number>();
  const measured = programs
    .flatMap(({ name, pid }) => (pid === null ? [] : [{ name, tree: treeOf(pid) }]))
    .toSorted((one, other) => one.tree.length - other.tree.length)
    .map(({ name, tree }) => {
      const own = tree.filter((pid) => !counted.has(pid));
      for (const pid of own) counted.add(pid);
      return [name, inMib(own.reduce((sum, pid) => sum + pssKib(pid), 0))] as const;
    });
  const total = measured.reduce((sum, [, value]) => sum + value, 0);
  emit({ figure, pss_mib: round(total, 1), by_program: Object.fromEntries(measured) });
}

function treeOf(pid: number): number[] {
  try {
    const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean).map(Number),
    );
    return [pid, ...children.flatMap(treeOf)];
  } catch {
    return []; // ended meanwhile
  }
}

function pssKib(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
