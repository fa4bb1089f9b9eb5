/** What a guest's process did so far: from QEMU, and from what the kernel counts for it. */
import { readFile, readdir } from "node:fs/promises";

import type { GuestDiagnostics, LinkCounters } from "@andromede/agent-api/types";
import * as qmp from "@andromede/qmp/commands";
import type { QmpMonitor } from "@andromede/qmp/monitor";

import { diskDeviceId } from "./guest-command.ts";
import type { MachineLayout } from "./layout.ts";

/** USER_HZ, the unit of /proc/PID/stat, is 100 on every architecture that we run on. */
const TICK_NS = 10_000_000;
const TICKS_PER_S = 100;

/** Of a guest. `pid`: its QEMU's. */
export async function diagnosticsOf(
  pid: number,
  layout: MachineLayout,
  monitor: QmpMonitor,
): Promise<GuestDiagnostics> {
  const [cpus, uptimeSeconds, usedMib, disks, links] = await Promise.all([
    cpuTimes(pid),
    uptimeOf(pid),
    usedMibOf(pid),
    qmp.queryBlockStatistics(monitor),
    linkCounters(pid),
  ]);
  return {
    uptimeSeconds,
    cpus,
    memory: { maximumMib: layout.memoryMib, usedMib: Math.min(usedMib, layout.memoryMib) },
    disks: layout.disks.flatMap(({ id }) => {
      const found = disks.find(({ device }) => device === diskDeviceId(id));
      if (found === undefined) return [];
      const { readBytes, reads, writtenBytes, writes } = found;
      return { id, readBytes, readRequests: reads, writtenBytes, writeRequests: writes };
    }),
    interfaces: layout.interfaces.map(({ portId, macAddress }) => {
      const tap = links.get(tapName(portId));
      // What the host sends into the tap, the guest receives.
      return { portId, macAddress, received: tap?.sent ?? NOTHING, sent: tap?.received ?? NOTHING };
    }),
  };
}

const NOTHING: LinkCounters = { bytes: 0, packets: 0, errors: 0, drops: 0 };
const tapName = (portId: string): string => `tap${portId.slice(0, 11)}`;

const statFields = (stat: string): string[] => stat.slice(stat.lastIndexOf(")") + 2).split(" ");

/** QEMU names its threads (`debug-threads=on`): "CPU 0/KVM". */
async function cpuTimes(pid: number): Promise<GuestDiagnostics["cpus"]> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const found = await Promise.all(
    threads.map(async (thread) => {
      const stat = await readFile(`/proc/${pid}/task/${thread}/stat`, "utf8").catch(() => "");
      const cpu = /\(CPU (\d+)\//.exec(stat)?.[1];
      if (cpu === undefined) return [];
      const [user, system] = statFields(stat).slice(11, 13).map(Number);
      return { id: Number(cpu), timeNs: ((user ?? 0) + (system ?? 0)) * TICK_NS };
    }),
  );
  return found.flat().toSorted((a, b) => a.id - b.id);
}

async function uptimeOf(pid: number): Promise<number> {
  const [stat, uptime] = await Promise.all([
    readFile(`/proc/${pid}/stat`, "utf8").catch(() => ""),
    readFile("/proc/uptime", "utf8"),
  ]);
  const startTicks = Number(statFields(stat)[19] ?? 0);
  return Math.max(0, Math.floor(Number.parseFloat(uptime) - startTicks / TICKS_PER_S));
}

async function usedMibOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Math.ceil(Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024);
}

/** Of the network namespace that the process is in, where its taps are. */
async function linkCounters(pid: number): Promise<Map<string, { received: LinkCounters; sent: LinkCounters }>> {
  const table = await readFile(`/proc/${pid}/net/dev`, "utf8").catch(() => "");
  return new Map(
    table.split("\n").flatMap((line) => {
      const [name, rest] = line.split(":");
      if (name === undefined || rest === undefined) return [];
      const numbers = rest.trim().split(/\s+/).map(Number);
      const counters = (from: number): LinkCounters => ({
        bytes: numbers[from] ?? 0,
        packets: numbers[from + 1] ?? 0,
        errors: numbers[from + 2] ?? 0,
        drops: numbers[from + 3] ?? 0,
      });
      return [[name.trim(), { received: counters(0), sent: counters(8) }] as const];
    }),
  );
}
