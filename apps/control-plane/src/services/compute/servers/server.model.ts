/** What a server is, and the one place where its states are read off its facts. Nothing here is stored as a state. */
import type { GuestPower, GuestState } from "@andromede/agent-api/types";
import type { Branded } from "@andromede/base/ids";
import { conflict } from "@andromede/base/errors";

export type ServerId = Branded<"ServerId">;

export type VmState =
  | "building"
  | "active"
  | "paused"
  | "suspended"
  | "stopped"
  | "error"
  | "rescued"
  | "resized"
  | "shelved"
  | "shelved_offloaded"
  | "soft-delete";
/** What a server is besides running or not, until somebody says otherwise. */
export type ServerMode =
  | "ordinary"
  | Extract<VmState, "rescued" | "resized" | "shelved" | "shelved_offloaded" | "soft-delete">;
/** A change in several steps, by Nova's name of what it is at. What follows what is in server-tasks.ts. */
export type TaskName =
  | "rebuilding"
  | "resize_prep"
  | "resize_migrating"
  | "resize_finish"
  | "resize_reverting"
  | "resize_confirming"
  | "rescuing"
  | "unrescuing"
  | "shelving"
  | "shelving_image_uploading"
  | "shelving_offloading"
  | "unshelving"
  | "image_snapshot"
  | "image_pending_upload"
  | "image_uploading"
  | "image_backup"
  | "soft-deleting"
  | "restoring";
/**
 * stop: the guest is shut down. copy: an image of its disk is made. place: a host is found. apply: the guest is made what
 * it is to be. offload: it leaves a host. image: the guest goes on meanwhile. reimage: the volume it boots from is made anew.
 */
export type TaskStep = "stop" | "copy" | "place" | "apply" | "offload" | "image" | "reimage";
export type TaskState =
  | TaskName
  | "scheduling"
  | "networking"
  | "spawning"
  | "rebooting"
  | "rebooting_hard"
  | "powering-on"
  | "powering-off"
  | "pausing"
  | "unpausing"
  | "suspending"
  | "resuming"
  | "deleting";
export type ServerStatus =
  | "BUILD"
  | "ACTIVE"
  | "PAUSED"
  | "SUSPENDED"
  | "SHUTOFF"
  | "REBOOT"
  | "HARD_REBOOT"
  | "ERROR"
  | "REBUILD"
  | "RESIZE"
  | "VERIFY_RESIZE"
  | "REVERT_RESIZE"
  | "RESCUE"
  | "SHELVED"
  | "SHELVED_OFFLOADED"
  | "SOFT_DELETED";
/** Nova's numbers: none, running, paused, shut down, suspended. */
export type PowerState = 0 | 1 | 3 | 4 | 7;

/** The wanted and the observed half of a server: all that its state depends on. */
export type ServerFacts = {
  power: GuestPower;
  powerGeneration: number;
  rebootKind: "soft" | "hard" | null;
  rebootNonce: string | null;
  deleting: boolean;
  host: string | null;
  faultMessage: string | null;
  task: TaskName | null;
  taskVmState: VmState | null;
  mode: ServerMode;
  observedGeneration: number | null;
  observedState: GuestState | null;
  observedSpontaneous: boolean;
  observedRebootNonce: string | null;
  observedFault: string | null;
  observedLaunchedAt: Date | null;
};

export type ServerState = {
  vmState: VmState;
  taskState: TaskState | null;
  powerState: PowerState;
  status: ServerStatus;
};

/** An observation made before the last word about power says nothing about what became of it. */
const isCurrent = (facts: ServerFacts): boolean => (facts.observedGeneration ?? -1) >= facts.powerGeneration;

/** A reboot that was asked for is over once its nonce came back and the guest is no longer on its way up. */
export const isRebooting = (facts: ServerFacts): boolean =>
  facts.rebootNonce !== null &&
  (facts.rebootNonce !== facts.observedRebootNonce ||
    facts.observedState === "preparing" ||
    facts.observedState === "starting");

/** Off by its own doing, and nobody has said anything about power since: that is where it stays. */
export const isAtRest = (facts: ServerFacts): boolean => facts.observedSpontaneous && isCurrent(facts);

/** The reason of an ERROR, in a customer's words; null when there is none. */
export const faultOf = (facts: ServerFacts): string | null =>
  facts.faultMessage ?? (isCurrent(facts) ? facts.observedFault : null);

/** The same decisions are in SQL for filters (migrations/0005-compute.sql); a test holds them together. */
export function stateOf(facts: ServerFacts): ServerState {
  const vmState = vmStateOf(facts);
  const taskState = taskStateOf(facts);
  return { vmState, taskState, powerState: powerStateOf(facts), status: statusOf(vmState, taskState) };
}

function vmStateOf(facts: ServerFacts): VmState {
  if (faultOf(facts) !== null) return "error";
  if (facts.taskVmState !== null) return facts.taskVmState;
  if (facts.mode !== "ordinary") return facts.mode;
  if (facts.observedLaunchedAt === null) return "building";
  switch (facts.observedState) {
    case "running":
      return "active";
    case "paused":
      return "paused";
    case "suspended":
      return "suspended";
    case "failed":
      return "error";
    case "preparing":
    case "starting":
      return isRebooting(facts) ? "active" : "stopped";
    case "stopped":
    case null:
      return "stopped";
  }
}

function taskStateOf(facts: ServerFacts): TaskState | null {
  if (facts.deleting) return "deleting";
  if (faultOf(facts) !== null) return null;
  if (facts.task !== null) return facts.task;
  if (facts.mode !== "ordinary") return null;
  if (facts.observedLaunchedAt === null) {
    if (facts.host === null) return "scheduling";
    return facts.observedState === null ? "networking" : "spawning";
  }
  if (isRebooting(facts)) return facts.rebootKind === "hard" ? "rebooting_hard" : "rebooting";
  if (isAtRest(facts) || facts.observedState === facts.power) return null;
  return towards(facts.power, facts.observedState);
}

/** What the way from one state to another is called. */
function towards(power: GuestPower, from: GuestState | null): TaskState {
  switch (power) {
    case "running":
      if (from === "paused") return "unpausing";
      return from === "suspended" ? "resuming" : "powering-on";
    case "paused":
      return "pausing";
    case "suspended":
      return "suspending";
    case "stopped":
      return "powering-off";
  }
}

function powerStateOf(facts: ServerFacts): PowerState {
  if (facts.observedLaunchedAt === null) return 0;
  switch (facts.observedState) {
    case "running":
      return 1;
    case "paused":
      return 3;
    case "stopped":
      return 4;
    case "suspended":
      return 7;
    case "preparing":
    case "starting":
    case "failed":
    case null:
      return 0;
  }
}

/** Where a task in a state has a status of its own. */
const TASK_STATUS: { readonly [vmState in VmState]?: { readonly [task in TaskState]?: ServerStatus } } = {
  active: {
    rebooting: "REBOOT",
    rebooting_hard: "HARD_REBOOT",
    rebuilding: "REBUILD",
    resize_prep: "RESIZE",
    resize_migrating: "RESIZE",
    resize_finish: "RESIZE",
  },
  stopped: { rebuilding: "REBUILD", resize_prep: "RESIZE", resize_migrating: "RESIZE", resize_finish: "RESIZE" },
  resized: { resize_reverting: "REVERT_RESIZE" },
  error: { rebuilding: "REBUILD" },
};
const STATUS: { readonly [vmState in VmState]: ServerStatus } = {
  building: "BUILD",
  active: "ACTIVE",
  paused: "PAUSED",
  suspended: "SUSPENDED",
  stopped: "SHUTOFF",
  error: "ERROR",
  rescued: "RESCUE",
  resized: "VERIFY_RESIZE",
  shelved: "SHELVED",
  shelved_offloaded: "SHELVED_OFFLOADED",
  "soft-delete": "SOFT_DELETED",
};

/** Compute API guide, "Server concepts": the status a customer sees. */
export const statusOf = (vmState: VmState, taskState: TaskState | null): ServerStatus =>
  (taskState === null ? undefined : TASK_STATUS[vmState]?.[taskState]) ?? STATUS[vmState];

/** Every status that OpenStack has, ours or not: a filter by one of them is valid (microversion 2.38). */
export const KNOWN_STATUSES: readonly string[] = [
  "ACTIVE",
  "BUILD",
  "DELETED",
  "ERROR",
  "HARD_REBOOT",
  "MIGRATING",
  "PASSWORD",
  "PAUSED",
  "REBOOT",
  "REBUILD",
  "RESCUE",
  "RESIZE",
  "REVERT_RESIZE",
  "SHELVED",
  "SHELVED_OFFLOADED",
  "SHUTOFF",
  "SOFT_DELETED",
  "SUSPENDED",
  "UNKNOWN",
  "VERIFY_RESIZE",
];

/** What a customer may ask of a server's power. */
export type PowerAction = "start" | "stop" | "pause" | "unpause" | "suspend" | "resume" | "rebootSoft" | "rebootHard";

/** As Nova's check_instance_state: the states an action is allowed in, and whether no task may be under way. */
const ALLOWED: { readonly [action in PowerAction]: { vmStates: readonly VmState[]; anyTask?: readonly TaskState[] } } =
  {
    start: { vmStates: ["stopped"] },
    stop: { vmStates: ["active", "error"] },
    pause: { vmStates: ["active"] },
    unpause: { vmStates: ["paused"] },
    suspend: { vmStates: ["active"] },
    resume: { vmStates: ["suspended"] },
    rebootSoft: { vmStates: ["active"] },
    // a hard reboot is the way out of a task that hangs
    rebootHard: {
      vmStates: ["active", "stopped", "paused", "suspended", "error"],
      anyTask: [
        "rebooting",
        "rebooting_hard",
        "pausing",
        "unpausing",
        "suspending",
        "resuming",
        "powering-on",
        "powering-off",
      ],
    },
  };

const WORDS: { readonly [action in PowerAction]: string } = {
  start: "start",
  stop: "stop",
  pause: "pause",
  unpause: "unpause",
  suspend: "suspend",
  resume: "resume",
  rebootSoft: "reboot",
  rebootHard: "reboot",
};

/** Throws Nova's conflict when the action cannot be taken now. */
export function checkPowerAction(id: string, facts: ServerFacts, action: PowerAction): void {
  const { vmState, taskState } = stateOf(facts);
  const allowed = ALLOWED[action];
  if (
    !allowed.vmStates.includes(vmState) ||
    (vmState === "error" && facts.observedLaunchedAt === null && action !== "rebootHard")
  ) {
    throw conflict(`Cannot '${WORDS[action]}' instance ${id} while it is in vm_state ${vmState}`);
  }
  if (vmState === "error" && facts.host === null)
    throw conflict(`Cannot '${WORDS[action]}' instance ${id} while it is in vm_state error`);
  if (taskState !== null && allowed.anyTask?.includes(taskState) !== true) {
    throw conflict(`Cannot '${WORDS[action]}' instance ${id} while it is in task_state ${taskState}`);
  }
}

/** Throws Nova's conflict unless the server is in one of the states; whatever is under way may go on. */
export function checkVmState(id: string, facts: ServerFacts, word: string, vmStates: readonly VmState[]): void {
  const { vmState } = stateOf(facts);
  if (facts.deleting) throw conflict(`Cannot '${word}' instance ${id} while it is in task_state deleting`);
  if (!vmStates.includes(vmState)) throw conflict(`Cannot '${word}' instance ${id} while it is in vm_state ${vmState}`);
  if (facts.observedLaunchedAt === null) throw conflict(`Instance ${id} is in an invalid state for '${word}'`);
}

/** Throws Nova's conflict unless the server is in one of the states, was running once, and no task is under way. */
export function checkNoTask(id: string, facts: ServerFacts, word: string, vmStates: readonly VmState[]): void {
  const { vmState, taskState } = stateOf(facts);
  if (!vmStates.includes(vmState)) throw conflict(`Cannot '${word}' instance ${id} while it is in vm_state ${vmState}`);
  if (taskState !== null) throw conflict(`Cannot '${word}' instance ${id} while it is in task_state ${taskState}`);
  if (facts.observedLaunchedAt === null) throw conflict(`Instance ${id} is in an invalid state for '${word}'`);
}

/** As Nova makes a host name of a display name: lower case, letters, digits and dashes, at most 63 of them. */
export function toHostname(name: string, id: string): string {
  const clean = name
    .toLowerCase()
    .replaceAll(/[ _.]/g, "-")
    .replaceAll(/[^a-z0-9-]+/g, "")
    .slice(0, 63)
    .replaceAll(/^-+|-+$/g, "");
  return clean === "" ? `server-${id}` : clean;
}

/** What a server was told of its flavor when it was made. */
export type FlavorCopy = {
  name: string;
  vcpus: number;
  ramMib: number;
  diskGib: number;
  ephemeralGib: number;
  swapMib: number;
  extraSpecs: { [key: string]: string };
};

/** Root, ephemeral and swap disks together, as a host must provide them. */
export const diskGibOf = (flavor: Pick<FlavorCopy, "diskGib" | "ephemeralGib" | "swapMib">): number =>
  flavor.diskGib + flavor.ephemeralGib + Math.ceil(flavor.swapMib / 1024);

/** What a host needs of an image, kept so that an image's later death does not hurt. */
export type ImageCopy = { sha512: string; format: "qcow2" | "raw"; sizeBytes: number };
export type NamedImage = ImageCopy & { id: string };

/**
 * What a rescued server boots from, and the wrapped password (base64) its config drive carries. `stable`: it keeps all its
 * disks where they are, and has the rescue disk as the last one.
 */
export type Rescue = { image: NamedImage; password: string | null; stable: boolean };

/** One row of `server`. */
export type Server = ServerFacts & {
  id: ServerId;
  number: number;
  projectId: string;
  userId: string;
  name: string;
  hostname: string;
  description: string | null;
  flavorId: string;
  flavor: FlavorCopy;
  /** "": its root disk is a volume. */
  imageId: string;
  image: ImageCopy | null;
  keyName: string | null;
  keyType: "ssh" | "x509" | null;
  publicKey: string | null;
  accessIpV4: string | null;
  accessIpV6: string | null;
  configDrive: boolean;
  diskConfig: "AUTO" | "MANUAL";
  userData: string | null;
  metadata: { [key: string]: string };
  tags: string[];
  seed: string;
  wantedZone: string | null;
  wantedHost: string | null;
  schedulerHints: { [key: string]: unknown };
  reservationId: string;
  launchIndex: number;
  lockedBy: "owner" | "admin" | null;
  lockedReason: string | null;
  createdAt: Date;
  updatedAt: Date;
  powerNonce: string;
  generation: number;
  taskSince: Date;
  taskStep: TaskStep | null;
  modeSince: Date | null;
  otherFlavorId: string | null;
  otherFlavor: FlavorCopy | null;
  otherHost: string | null;
  otherDiskImage: NamedImage | null;
  rootGib: number;
  diskNonce: string | null;
  ephemeralNonce: string | null;
  diskImage: NamedImage | null;
  reimageId: string | null;
  rescue: Rescue | null;
  shelvedImageId: string | null;
  availabilityZone: string | null;
  faultCode: number | null;
  faultAt: Date | null;
  observedConverged: boolean;
  observedGone: boolean;
  observedDisks: string[];
  observedNeedsKeys: boolean;
  observedAt: Date | null;
};

/** What a list begins with: which servers it has, and in which version of their rows. */
export type ListedServer = Pick<Server, "id" | "name" | "host"> & { version: string };

/** What views show of a row: a long list reads no more than that. */
export type ShownServer = ServerFacts &
  Pick<
    Server,
    | "id"
    | "number"
    | "projectId"
    | "userId"
    | "name"
    | "hostname"
    | "description"
    | "flavorId"
    | "flavor"
    | "imageId"
    | "keyName"
    | "accessIpV4"
    | "accessIpV6"
    | "configDrive"
    | "diskConfig"
    | "userData"
    | "metadata"
    | "tags"
    | "reservationId"
    | "launchIndex"
    | "lockedBy"
    | "lockedReason"
    | "createdAt"
    | "updatedAt"
    | "availabilityZone"
    | "faultCode"
    | "faultAt"
    | "observedAt"
  >;

/** What its root disk is made from; null: it is a volume. */
export const diskImageOf = (server: Pick<Server, "imageId" | "image" | "diskImage">): NamedImage | null =>
  server.diskImage ?? (server.image === null ? null : { id: server.imageId, ...server.image });

/** GiB of the root disk: a flavor may ask for less than it once did, a disk stays as large as it was made. */
export const rootGibOf = (server: Pick<Server, "flavor" | "rootGib">): number =>
  Math.max(server.flavor.diskGib, server.rootGib);

/** `instance-0000002a`: the name Nova shows operators. */
export const hypervisorName = (server: Pick<Server, "number">): string =>
  `instance-${server.number.toString(16).padStart(8, "0")}`;

/** What the API changes of a server's own fields. */
export type ServerChanges = Partial<
  Pick<
    Server,
    | "name"
    | "hostname"
    | "description"
    | "accessIpV4"
    | "accessIpV6"
    | "diskConfig"
    | "metadata"
    | "tags"
    | "lockedBy"
    | "lockedReason"
  >
>;

/** What a word about power makes of the wanted state. */
export type PowerChange = {
  power: GuestPower;
  powerNonce: string;
  reboot: { kind: "soft" | "hard"; nonce: string } | null;
};
