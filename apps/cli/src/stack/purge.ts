/**
 * Takes away what an instance left outside the reach of its supervision: first processes, then (for a purge) all else. What
 * belongs to an instance is told by its name in full, its user ids, its slot or its directory; never by a likeness.
 */
import { existsSync, readFileSync, readdirSync, rmdirSync, statSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { waitUntil } from "@andromede/base/waiting";
import { runCommand, tryCommand } from "@andromede/engines/run-command";

import { removeHostLink, removeNat, setForwarding } from "../host/host-network.ts";
import { type InstanceUsers, listInstances } from "../instance/instance-config.ts";
import { DATA_LOCK_MS, MACHINE_LOCK, withMachineLock } from "../instance/machine-lock.ts";
import { heldByOthers, releaseSlot } from "../instance/slot-register.ts";
import { type ProcessStat, listProcesses, signal, startEnvironment } from "../supervision/processes.ts";
import { readForwardingNote } from "./engines.ts";
import type { Stack } from "./stack.ts";

/**
 * The namespaces of an instance: its hosts' own, and those the agent makes for a host's networks. None when another
 * instance, of another data directory, has the name now.
 */
function namespaces(stack: Stack): string[] {
  const { namespace } = stack.link;
  if (!existsSync("/run/netns") || othersOf(stack).name !== null) return [];
  return readdirSync("/run/netns").filter((name) => name === namespace || name.startsWith(`${namespace}-meta-`));
}

const othersOf = ({ config, paths }: Stack): ReturnType<typeof heldByOthers> =>
  heldByOthers(config.slot, paths.directory);

/** Processes that run as one of the instance's users, in one of its namespaces, or that its supervisor started. */
async function strayProcesses(stack: Stack): Promise<ProcessStat[]> {
  const inNamespaces = new Set(
    (
      await Promise.all(
        namespaces(stack).map(async (name) => (await tryCommand(["ip", "netns", "pids", name])).stdout.split("\n")),
      )
    )
      .flat()
      .map(Number),
  );
  const marker = `ANDROMEDE_UNIT=${stack.paths.directory}#`;
  const keeper = `ANDROMEDE_SUPERVISOR=${stack.paths.directory}`;
  const usersAreOurs = othersOf(stack).slot === null;
  return listProcesses().filter(({ pid }) => {
    if (pid === process.pid) return false;
    if (inNamespaces.has(pid) || (usersAreOurs && isInstanceUser(ownerOf(pid), stack.users))) return true;
    const environment = startEnvironment(pid);
    return environment.includes(keeper) || environment.some((entry) => entry.startsWith(marker));
  });
}

/** Pure. */
export function isInstanceUser(uid: number, users: InstanceUsers): boolean {
  return uid >= users.controlPlane.uid && uid < users.guests.first + users.guests.count;
}

function ownerOf(pid: number): number {
  try {
    return statSync(`/proc/${pid}`).uid;
  } catch {
    // gone between two looks
    return -1;
  }
}

/** Ends them all; gives how many there were. */
export async function killStrays(stack: Stack): Promise<number> {
  const ended = new Set<number>();
  await waitUntil(
    "the end of left-over processes",
    async () => {
      const strays = await strayProcesses(stack);
      for (const stray of strays) {
        ended.add(stray.pid);
        signal(stray, "SIGKILL");
      }
      return strays.length === 0;
    },
    { timeoutMs: 30_000, everyMs: 50 },
  );
  return ended.size;
}

/** Deletes everything of the instance, and of the data directory what only its last instance needed. */
export async function purge(stack: Stack, options: { keepEngines: boolean }): Promise<string> {
  const { paths, config, link } = stack;
  const note = await readForwardingNote(paths.directory);
  await Promise.all(
    namespaces(stack)
      .filter((name) => name !== link.namespace)
      .map((name) => runCommand(["ip", "netns", "del", name])),
  );
  const others = othersOf(stack);
  if (others.name === null) {
    await removeHostLink(link);
    removeControlGroups(link.namespace);
  }
  if (others.slot === null) await removeNat(config.slot, link.machineLink);
  await unmountBelow(paths.directory);
  return withMachineLock(
    MACHINE_LOCK,
    DATA_LOCK_MS,
    () => undefined,
    async () => {
      const beside = (await listInstances(paths.data)).filter((name) => name !== config.instance);
      if (note?.forwardingWasOff === true && !(await otherInstancesOnMachine())) await setForwarding(false);
      releaseSlot(config.slot, paths.directory);
      await rm(paths.directory, { recursive: true, force: true });
      if (beside.length > 0 || options.keepEngines) return `${paths.directory} is gone`;
      await Promise.all(
        ["engines", "built-images", "kvm-probe.json"].map((name) =>
          rm(join(paths.data, name), { recursive: true, force: true }),
        ),
      );
      if (existsSync(paths.data) && (await readdir(paths.data)).length === 0) rmdirSync(paths.data);
      return `${paths.directory} is gone, and what its last instance shared in ${paths.data}`;
    },
  );
}

/** Any other instance's link to its host, of whatever data directory. */
async function otherInstancesOnMachine(): Promise<boolean> {
  const { stdout } = await tryCommand(["ip", "-o", "link", "show", "type", "veth"]);
  return /^\d+: an\d+-\d+[@:]/m.test(stdout);
}

/** The groups that the agent made for this host's guests: empty by now, and only empty ones can be removed. */
function removeControlGroups(name: string): void {
  const root = "/sys/fs/cgroup";
  const trees = existsSync(join(root, "cgroup.controllers"))
    ? [root]
    : readdirSync(root).map((controller) => join(root, controller));
  for (const tree of trees) {
    const group = join(tree, name);
    if (!existsSync(group)) continue;
    for (const entry of readdirSync(group, { withFileTypes: true })) {
      if (entry.isDirectory()) rmdirSync(join(group, entry.name));
    }
    rmdirSync(group);
  }
}

/** Innermost first, so that each is free when its turn comes. */
async function unmountBelow(directory: string): Promise<void> {
  const points = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .filter((point) => point.startsWith(`${directory}/`));
  for (const point of points.toSorted().toReversed()) {
    // eslint-disable-next-line no-await-in-loop
    await runCommand(["umount", point]);
  }
}
