/**
 * Guests, when a cloud goes down. What customers want of their servers is left as it is: a guest is told to shut down as
 * the machine's own end would tell it, and the next agent starts again what is wanted to run. It is asked over QEMU's own
 * socket, so that neither the control plane nor its database has to work.
 *
 * The agent MUST NOT run meanwhile: it would take the guest's end for the guest's own doing.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";

import { waitUntil } from "@andromede/base/waiting";
import { queryStatus, quit, systemPowerdown } from "@andromede/qmp/commands";
import { type QmpMonitor, connectMonitor } from "@andromede/qmp/monitor";
import { socketPath } from "@andromede/qmp/socket-path";

import { hostDataDirectory } from "../instance/paths.ts";
import { type ProcessStat, commandLine, isAlive, listProcesses } from "../supervision/processes.ts";
import type { Stack } from "./stack.ts";

/** A shutdown that takes longer is cut short. */
const SHUTDOWN_MS = 60_000;
const QUIT_MS = 10_000;
const ANSWER_MS = 3_000;

type Guest = { id: string; processes: ProcessStat[] };

/** The id in a QEMU's command line, if it is a guest of that host. Pure. */
export function guestIdIn(words: string[], instance: string, host: string): string | null {
  const prefix = `guest=${instance}/${host}/`;
  const name = words.find((word) => word.startsWith(prefix));
  return name === undefined ? null : (name.slice(prefix.length).split(",")[0] ?? null);
}

/** The guests that run, with all their processes (the jail's are among them). */
function runningGuests(stack: Stack): Guest[] {
  const guests = new Map<string, ProcessStat[]>();
  for (const stat of listProcesses()) {
    const id = guestIdIn(commandLine(stat.pid), stack.config.instance, stack.host);
    if (id !== null) guests.set(id, [...(guests.get(id) ?? []), stat]);
  }
  return [...guests].map(([id, processes]) => ({ id, processes }));
}

const isOver = ({ processes }: Guest): boolean => !processes.some(isAlive);

/** Shuts all guests down; says how it went. What is left after this is for whoever kills. */
export async function shutGuestsDown(stack: Stack, tell: (text: string) => void): Promise<string> {
  const guests = runningGuests(stack);
  if (guests.length === 0) return "none running";
  await Promise.all(guests.map(async (guest) => ask(stack, guest, "powerdown")));
  await untilOver(guests, SHUTDOWN_MS, tell);
  const stubborn = guests.filter((guest) => !isOver(guest));
  // the machine's plug pulled, but the disks' files closed properly
  await Promise.all(stubborn.map(async (guest) => ask(stack, guest, "quit")));
  await untilOver(stubborn, QUIT_MS, tell);
  const clean = guests.length - stubborn.length;
  return clean === guests.length
    ? `${clean} shut down`
    : `${clean} of ${guests.length} shut down, the others cut short`;
}

async function untilOver(guests: Guest[], timeoutMs: number, tell: (text: string) => void): Promise<void> {
  let told = "";
  await waitUntil(
    "guests' end",
    () => {
      const over = guests.filter(isOver).length;
      const now = `${over} of ${guests.length} down`;
      if (now !== told) tell(now);
      told = now;
      return over === guests.length;
    },
    { timeoutMs, everyMs: 100 },
  ).catch(() => undefined); // who is left is looked at next
}

async function ask(stack: Stack, { id }: Guest, what: "powerdown" | "quit"): Promise<void> {
  const directory = join(hostDataDirectory(stack.paths, stack.host), "guests", id);
  // With this record the next agent would take the end for the guest's own; without it, for a start that came to nothing.
  rmSync(join(directory, "process.json"), { force: true });
  let release = (): void => undefined;
  let monitor: QmpMonitor | undefined;
  try {
    const found = socketPath(join(directory, "run", "qmp.sock"));
    release = found.release;
    monitor = await connectMonitor(found.path, { timeoutMs: ANSWER_MS });
    // one that is paused hears no power button
    const deaf = (await queryStatus(monitor)) !== "running";
    await (what === "quit" || deaf ? quit(monitor) : systemPowerdown(monitor));
  } catch {
    // does not answer, or has ended already: it is waited for all the same, and killed in the end
  } finally {
    monitor?.close();
    release();
  }
}
