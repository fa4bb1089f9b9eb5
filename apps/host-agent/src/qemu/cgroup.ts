/**
 * Limits of a guest's processes, where the machine lets us make control groups: version 2, or version 1 with one
 * hierarchy a controller. A machine that has neither runs its guests without; `available` says which.
 */
import { access, constants, mkdir, readFile, readdir, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { Logger } from "@andromede/base/log";

export type GuestLimits = { vcpus: number; memoryBytes: number };

export type ControlGroups = {
  /** Controllers in use; empty where there are none. */
  readonly available: readonly string[];
  /** Makes the guest's groups; gives the `cgroup.procs` files that its first process must write itself into. */
  create(guestId: string, limits: GuestLimits): Promise<string[]>;
  /** Removes them; they MUST be empty of processes. */
  remove(guestId: string): Promise<void>;
  guests(): Promise<string[]>;
};

type Setting = { file: string; value: string };
type Tree = { directory: string; settings: (limits: GuestLimits) => Setting[] };

const ROOT = "/sys/fs/cgroup";
/** vCPUs, the block layer's worker threads, VNC: far from what a guest needs, far below what hurts a host. */
const PIDS_BESIDE_VCPUS = 256;
const PERIOD_US = 100_000;

const V1: { [controller: string]: Tree["settings"] } = {
  memory: ({ memoryBytes }) => [{ file: "memory.limit_in_bytes", value: String(memoryBytes) }],
  pids: ({ vcpus }) => [{ file: "pids.max", value: String(vcpus + PIDS_BESIDE_VCPUS) }],
  // One processor more than the guest's own, for QEMU's input and output.
  cpu: ({ vcpus }) => [
    { file: "cpu.shares", value: String(Math.min(262_144, 1024 * vcpus)) },
    { file: "cpu.cfs_period_us", value: String(PERIOD_US) },
    { file: "cpu.cfs_quota_us", value: String((vcpus + 1) * PERIOD_US) },
  ],
};

const V2: Tree["settings"] = ({ vcpus, memoryBytes }) => [
  { file: "memory.max", value: String(memoryBytes) },
  { file: "pids.max", value: String(vcpus + PIDS_BESIDE_VCPUS) },
  { file: "cpu.weight", value: String(Math.min(10_000, 100 * vcpus)) },
  { file: "cpu.max", value: `${(vcpus + 1) * PERIOD_US} ${PERIOD_US}` },
];

/** Finds what the machine has. `name` becomes the group of all our guests ("andromede-host1"). */
export async function openControlGroups(name: string, log: Logger): Promise<ControlGroups> {
  const trees = (await readable(join(ROOT, "cgroup.controllers"))) ? await v2Trees(name) : await v1Trees(name);
  const usable: [string, Tree][] = [];
  for (const [controller, tree] of trees) {
    try {
      // A handful, once.
      // eslint-disable-next-line no-await-in-loop
      await mkdir(tree.directory, { recursive: true });
      usable.push([controller, tree]);
    } catch (error) {
      log.warn({ error, controller }, "control groups cannot be made: guests run without this limit");
    }
  }
  return controlGroups(usable, log);
}

function controlGroups(trees: [string, Tree][], log: Logger): ControlGroups {
  async function createIn(
    [controller, tree]: [string, Tree],
    guestId: string,
    limits: GuestLimits,
  ): Promise<string | null> {
    const directory = join(tree.directory, guestId);
    try {
      await mkdir(directory, { recursive: true });
      await Promise.all(tree.settings(limits).map(({ file, value }) => writeFile(join(directory, file), value)));
      return join(directory, "cgroup.procs");
    } catch (error) {
      log.warn({ error, controller, guest: guestId }, "the guest runs without this limit");
      return null;
    }
  }
  return {
    available: trees.map(([controller]) => controller),
    async create(guestId, limits) {
      const files = await Promise.all(trees.map((tree) => createIn(tree, guestId, limits)));
      return files.filter((file) => file !== null);
    },
    async remove(guestId) {
      await Promise.all(trees.map(([, { directory }]) => removeGroup(join(directory, guestId))));
    },
    async guests() {
      const lists = await Promise.all(trees.map(([, { directory }]) => directories(directory)));
      return [...new Set(lists.flat())];
    },
  };
}

async function v1Trees(name: string): Promise<[string, Tree][]> {
  const present = await Promise.all(
    Object.entries(V1).map(async ([controller, settings]): Promise<[string, Tree] | null> =>
      (await readable(join(ROOT, controller, "cgroup.procs")))
        ? [controller, { directory: join(ROOT, controller, name), settings }]
        : null,
    ),
  );
  return present.filter((tree) => tree !== null);
}

async function v2Trees(name: string): Promise<[string, Tree][]> {
  const directory = join(ROOT, name);
  const controllers = (await readFile(join(ROOT, "cgroup.controllers"), "utf8")).trim().split(" ");
  const wanted = ["cpu", "memory", "pids"].filter((controller) => controllers.includes(controller));
  const enable = wanted.map((controller) => `+${controller}`).join(" ");
  try {
    await mkdir(directory, { recursive: true });
    await writeFile(join(ROOT, "cgroup.subtree_control"), enable);
    await writeFile(join(directory, "cgroup.subtree_control"), enable);
  } catch {
    return [];
  }
  return [["unified", { directory, settings: V2 }]];
}

async function readable(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false,
  );
}

async function directories(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

async function removeGroup(directory: string): Promise<void> {
  try {
    await rmdir(directory);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Busy: a process is still on its way out; garbage collection comes back to it.
    if (code !== "ENOENT" && code !== "EBUSY") throw error;
  }
}
