/**
 * Changes of a server in several steps: rebuild, resize, rescue, shelve... The row says what is under way (`task`), at
 * which step, and what the server is once it is over (`mode`); what follows what is here, and nowhere else. Pure.
 */
import type { GuestPower } from "@andromede/agent-api/types";

import {
  type FlavorCopy,
  type Server,
  type ServerMode,
  type TaskName,
  type TaskStep,
  diskGibOf,
} from "./server.model.ts";

type Facts = Pick<Server, "task" | "taskStep" | "mode" | "power">;

const OFF_STEPS: readonly (TaskStep | null)[] = ["stop", "copy", "offload", "reimage"];
const OFF_MODES: readonly ServerMode[] = ["shelved", "soft-delete"];

/** What the guest should be doing now: a step may want it off that is to run in the end. */
export function wantedPower({ taskStep, mode, power }: Facts): GuestPower {
  if (OFF_STEPS.includes(taskStep)) return "stopped";
  if (taskStep === "apply") return power;
  return OFF_MODES.includes(mode) ? "stopped" : power;
}

/** Has the guest the disk that it is rescued with? */
export function showsRescue({ task, taskStep, mode }: Facts): boolean {
  if (task === "rescuing") return taskStep === "apply";
  if (task === "unrescuing") return taskStep !== "apply";
  return mode === "rescued";
}

/** What follows a step that is done. `swap`: the other flavor, and the other host if there is one, are its own from now on. */
export type Next =
  | { to: TaskStep; task: TaskName; swap?: true }
  | { end: ServerMode }
  /** Somebody else says when this step is over: the copy, the scheduler. */
  | null;

/** Task -> step -> what follows. What is not here ends by somebody else's word: copies, images, the scheduler. */
const NEXT: { readonly [task in TaskName]?: { readonly [step in TaskStep]?: Exclude<Next, null> } } = {
  rebuilding: {
    stop: { to: "apply", task: "rebuilding" },
    reimage: { to: "apply", task: "rebuilding" },
    apply: { end: "ordinary" },
  },
  resize_prep: { stop: { to: "copy", task: "resize_migrating" } },
  resize_finish: { apply: { end: "resized" } },
  resize_reverting: {
    stop: { to: "apply", task: "resize_reverting", swap: true },
    offload: { to: "apply", task: "resize_reverting", swap: true },
    apply: { end: "ordinary" },
  },
  resize_confirming: { offload: { end: "ordinary" } },
  rescuing: { stop: { to: "apply", task: "rescuing" }, apply: { end: "rescued" } },
  unrescuing: { stop: { to: "apply", task: "unrescuing" }, apply: { end: "ordinary" } },
  shelving: { stop: { to: "copy", task: "shelving_image_uploading" } },
  shelving_offloading: { offload: { end: "shelved_offloaded" } },
  unshelving: { apply: { end: "ordinary" } },
  "soft-deleting": { stop: { end: "soft-delete" } },
  restoring: { apply: { end: "ordinary" } },
};

/** There is nothing to copy: it stays on its host, or its disk is a volume. */
const WITHOUT_COPY: { readonly [task in TaskName]?: Exclude<Next, null> } = {
  resize_prep: { to: "apply", task: "resize_finish", swap: true },
  shelving: { to: "offload", task: "shelving_offloading" },
};

type Place = Pick<Server, "task" | "taskStep" | "shelvedImageId" | "reimageId">;

export function nextOf({ task, taskStep, shelvedImageId, reimageId }: Place): Next {
  if (task === null || taskStep === null) return null;
  // nobody has the volume open now
  if (task === "rebuilding" && taskStep === "stop" && reimageId !== null) return { to: "reimage", task };
  const next = NEXT[task]?.[taskStep] ?? null;
  return next !== null && shelvedImageId === null ? (WITHOUT_COPY[task] ?? next) : next;
}

/** What a server takes of a host. */
export type Held = { vcpus: number; memoryMib: number; diskGib: number };
type Sized = Pick<Server, "flavor" | "otherFlavor" | "otherHost" | "rootGib" | "image">;

/** A server that boots from a volume has no root disk on its host. */
export const sizeOf = (flavor: FlavorCopy, { image, rootGib }: Pick<Server, "image" | "rootGib">): Held => ({
  vcpus: flavor.vcpus,
  memoryMib: flavor.ramMib,
  diskGib: diskGibOf({ ...flavor, diskGib: image === null ? 0 : Math.max(flavor.diskGib, rootGib) }),
});

const larger = (a: Held, b: Held): Held => ({
  vcpus: Math.max(a.vcpus, b.vcpus),
  memoryMib: Math.max(a.memoryMib, b.memoryMib),
  diskGib: Math.max(a.diskGib, b.diskGib),
});

/** Between two flavors a server holds what either takes, so that it can always go both ways. Of the quota, that is. */
export const heldOf = (server: Omit<Sized, "otherHost">): Held => {
  const { flavor, otherFlavor } = server;
  const own = sizeOf(flavor, server);
  return otherFlavor === null ? own : larger(own, sizeOf(otherFlavor, server));
};

/** Of its host: between two hosts each keeps room for its own flavor. */
export const heldOnHost = (server: Sized): Held =>
  server.otherHost === null ? heldOf(server) : sizeOf(server.flavor, server);

/** Of the other host. */
export const heldOnOther = (server: Sized): Held => sizeOf(server.otherFlavor ?? server.flavor, server);

export const difference = (a: Held, b: Held): Held => ({
  vcpus: a.vcpus - b.vcpus,
  memoryMib: a.memoryMib - b.memoryMib,
  diskGib: a.diskGib - b.diskGib,
});
