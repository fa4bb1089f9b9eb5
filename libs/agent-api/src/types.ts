/**
 * The contract between the control plane and a host agent: the ONLY link between the two programs.
 *
 * HTTP/1.1 with JSON over a unix socket (one machine) or mutual TLS. The control plane calls, the agent answers;
 * the agent's observations flow back over one long-lived `GET /v1/reports` (NDJSON, one `Report` a line).
 *
 *   GET    /v1/host                     -> HostFacts
 *   GET    /v1/guests                   -> { guests: GuestReport[] }
 *   PUT    /v1/guests/:id               GuestSpec -> 202 GuestReport. Whole wanted state. Idempotent.
 *                                       An older generation than the ledger's (or, for an hour, than that of a
 *                                       guest deleted here): 409 conflict, nothing changed.
 *   GET    /v1/guests/:id               -> GuestReport | 404
 *   DELETE /v1/guests/:id?generation=N  -> 202 GuestReport (converges to gone; reported `gone: true` once), or 200 when it
 *                                          went within a moment, its report then says `gone` | 404 already gone
 *   POST   /v1/guests/:id/reboot        { kind: "soft" | "hard", nonce } -> 202. Same nonce twice: done once.
 *   GET    /v1/guests/:id/console?length=N   -> text/plain, the last N lines of the serial console
 *   POST   /v1/guests/:id/password      { user, password: base64 } -> 204, set by the guest's own agent (qemu-guest-agent) |
 *                                       409 when none answers in the guest, or it refuses
 *   POST   /v1/guests/:id/nmi           -> 204, a non-maskable interrupt for the guest's kernel (crash dump) | 409 no process
 *   GET    /v1/guests/:id/diagnostics   -> GuestDiagnostics | 409 no process
 *   GET    /v1/guests/:id/vnc           Upgrade: tcp -> raw RFB stream
 *   GET    /v1/guests/:id/serial        Upgrade: tcp -> raw serial stream
 *   GET    /v1/reports                  -> NDJSON stream: a full Report on connect, then deltas, a full one every 30 s
 *   DELETE /v1/images/:id               -> 202, drops a cached image nobody uses
 *
 * Volumes are files of a pool that several hosts may share; an agent keeps no list of them. It converges what it was last
 * told, forgets it when it restarts (the control plane asks, and tells it again), and does online what a guest of its own
 * has open. Everything is idempotent and may be repeated after a crash at any instant.
 *
 *   PUT    /v1/volumes/:id              VolumeSpec -> 202 VolumeReport. An older generation than one heard: 409.
 *   GET    /v1/volumes/:id              -> VolumeReport | 404 the agent was told nothing of it since it started
 *   DELETE /v1/volumes/:id?generation=N -> 202 VolumeReport, `gone: true` once its bytes and snapshots are (404: they are) |
 *                                          409 while a guest has it open
 *   PUT    /v1/backups/:id              BackupSpec -> 202 BackupReport
 *   GET    /v1/backups/:id              -> BackupReport | 404
 *   DELETE /v1/backups/:id              -> 204, also when it was not there; ends one that is being made
 *   PUT    /v1/exports/:id              ExportSpec -> 202 ExportReport: a disk as it is at this instant, as one image file
 *   GET    /v1/exports/:id              -> ExportReport | 404
 *   GET    /v1/exports/:id/data         -> the bytes, with content-length
 *   DELETE /v1/exports/:id              -> 204. An export nobody fetched for a day goes by itself.
 *
 * Errors: { "error": { "kind": ErrorKind, "message": string } } with the matching status.
 */

/** Bumped when a field's meaning changes; an agent refuses a control plane with another major. */
export const AGENT_API_VERSION = 1;

/** What a guest should be doing. */
export type GuestPower = "running" | "paused" | "stopped" | "suspended";

export type GuestInterface = {
  portId: string;
  macAddress: string;
  mtu: number;
};

export type GuestDisk = {
  /** Unique within the guest; the root disk is "root". Becomes the virtio serial (first 20 characters). */
  id: string;
  /** Root disks: overlay on a cached image; made anew when imageId changes. `empty`: blank (ephemeral, swap). */
  source:
    | { kind: "image"; imageId: string; sha512: string; format: "qcow2" | "raw"; sizeBytes: number }
    | { kind: "empty" }
    /** A volume of the pool. `key`: as in VolumeSpec. `shared`: other guests may have it open too. */
    | { kind: "volume"; volumeId: string; key: string | null; readOnly: boolean; shared: boolean };
  /**
   * Made anew, from its source, when this changes (rebuild on the same image). Volumes are never made by this.
   * Absent is a value like any other.
   */
  nonce?: string;
  /** Absent: unlimited. Changed while the guest runs. */
  limits?: DiskLimits;
  /** 0: as large as the image. Grown at the next start when it rises; it MUST NOT fall. */
  sizeGib: number;
  bootIndex?: number;
  /**
   * Kept, but not plugged into the guest (a root disk during a rescue). A disk that leaves the spec is destroyed instead,
   * unless it is a volume.
   */
  detached?: true;
};

/**
 * What a disk may do at most, 0 or absent: no limit of that kind. Enforced by a QEMU throttle group of the disk, which
 * takes a total or one for each direction, not both (400).
 */
export type DiskLimits = {
  totalBytesSec?: number;
  readBytesSec?: number;
  writeBytesSec?: number;
  totalIops?: number;
  readIops?: number;
  writeIops?: number;
};

/** Where the agent may read image bytes: a file path it can open (one machine). */
export type ImageLocation = { imageId: string; path: string };

/**
 * What 169.254.169.254 and the config drive show: file path -> content, in OpenStack and EC2 layouts. Paths have no
 * leading slash, e.g. "openstack/latest/meta_data.json", "latest/meta-data/public-keys/0/openssh-key".
 *
 * The metadata service shows all but "ec2/"; directory listings are derived, unless there is a file with the directory's
 * very path ("latest/meta-data/public-keys" with "0=name"). The config drive has "openstack/" and "ec2/" only.
 */
export type GuestMetadata = {
  files: { [path: string]: string };
  /** Files that are not text (gzipped user data), in base64. */
  binaryFiles?: { [path: string]: string };
};

/** A network that the guest has an interface on. */
export type GuestNetwork = {
  id: string;
  /** The network's OVN localport, through which 169.254.169.254 answers; null when the network has no metadata. */
  metadataPort: {
    id: string;
    macAddress: string;
    /** With prefix length, e.g. "10.0.0.2/24"; one per subnet that the port is on. */
    addresses: string[];
  } | null;
};

export type GuestSpec = {
  id: string;
  name: string;
  /** Strictly increasing with every change of the wanted state. */
  generation: number;
  power: GuestPower;
  /**
   * A guest that powered itself off stays off until the customer says otherwise. The agent takes a change of `power`
   * as such a word, or a change of this: set it anew with each start, so that one which the agent never saw
   * preceded by a `stopped` still counts.
   */
  powerNonce?: string;
  vcpus: number;
  memoryMib: number;
  disks: GuestDisk[];
  images: ImageLocation[];
  interfaces: GuestInterface[];
  configDrive: boolean;
  metadata: GuestMetadata;
  /** network id + fixed address -> this guest, for the metadata proxy. */
  addresses: { networkId: string; address: string }[];
  networks: GuestNetwork[];
};

export type GuestState =
  | "preparing" // image, disks, taps
  | "starting" // QEMU is up, not yet running its vCPUs
  | "running"
  | "paused"
  | "suspended"
  | "stopped" // disks are there, no QEMU process
  | "failed"; // `fault` says why in a customer's words

export type GuestReport = {
  id: string;
  /** The generation this observation is of (the ledger's). */
  generation: number;
  state: GuestState;
  /** True when `state` is what generation's spec wants and all of it is applied. */
  converged: boolean;
  /**
   * The guest stopped without being asked to: it powered itself off, or its process, which is started again when it
   * dies, went on dying. It is not started again by itself. `state` is "stopped"; `converged` is false unless a stop was wanted meanwhile.
   */
  spontaneous?: true;
  /** The nonce of the last reboot that was carried out. The guest is back once `converged`. */
  rebootNonce?: string;
  /** Ports whose tap is plugged AND whose flows OVN says are installed. */
  portsUp: string[];
  fault?: string;
  /** Ids of the disks that the guest's process has; of those made, while there is no process. */
  disks: string[];
  /** The agent restarted and does not know the keys of the guest's encrypted disks any more: send the spec again. */
  needsKeys?: true;
  /** Set once when a DELETE has finished; the guest then disappears from full reports. */
  gone?: true;
};

/** What a guest's process did since it was started. */
export type GuestDiagnostics = {
  uptimeSeconds: number;
  cpus: { id: number; timeNs: number }[];
  /** `usedMib`: of the host's memory, for the guest's. */
  memory: { maximumMib: number; usedMib: number };
  disks: { id: string; readBytes: number; readRequests: number; writtenBytes: number; writeRequests: number }[];
  /** As the guest sees it: received is what came to it. */
  interfaces: { portId: string; macAddress: string; received: LinkCounters; sent: LinkCounters }[];
};

export type LinkCounters = { bytes: number; packets: number; errors: number; drops: number };

export type HostFacts = {
  apiVersion: number;
  hostname: string;
  backend: "qemu" | "simulated";
  accelerator: "kvm" | "tcg" | "none";
  /** Why not KVM, when it is not. */
  acceleratorReason?: string;
  vcpus: number;
  memoryMib: number;
  diskGib: number;
  /** OVN chassis name of this host, as in the southbound database. */
  chassis?: string;
  /** Where volumes can be. Hosts that name the same pool share it. */
  pools?: VolumePool[];
};

/** `driver`: how volumes are kept there ("qcow2": files of a directory). */
export type VolumePool = { name: string; driver: "qcow2"; totalGib: number; freeGib: number };

/** Whatever a volume's bytes come from. Keys as in VolumeSpec, of the source. */
export type VolumeSource =
  | { kind: "empty" }
  | { kind: "image"; imageId: string; sha512: string; format: "qcow2" | "raw"; sizeBytes: number; path: string }
  /** As it is when the copy begins; it may be in use. */
  | { kind: "volume"; volumeId: string; key: string | null }
  | { kind: "snapshot"; volumeId: string; snapshotId: string; key: string | null }
  | { kind: "backup"; backupId: string; key: string };

export type VolumeSpec = {
  id: string;
  /** Strictly increasing with every change of the wanted state. */
  generation: number;
  /** MUST NOT fall. Grown under a running guest too, which then sees it. */
  sizeGib: number;
  /** The LUKS passphrase, base64 of 32 random bytes; null: not encrypted. Never on a command line, on disk or in a log. */
  key: string | null;
  /** Of the first making; not looked at once the volume is there. */
  source: VolumeSource;
  /** Ids of the snapshots there should be: missing ones are taken now, others are removed. */
  snapshots: string[];
  /** Goes back to a snapshot of its own, once for a nonce; only while no guest has it open. */
  revert?: { snapshotId: string; nonce: string };
};

export type VolumeReport = {
  id: string;
  generation: number;
  /** failed: `fault` says why in a customer's words; a PUT with a newer generation tries again. */
  state: "working" | "ready" | "failed";
  /** What is there now; 0 before it is made. */
  sizeGib: number;
  snapshots: string[];
  revertNonce?: string;
  fault?: string;
  gone?: true;
};

/** A copy of a snapshot outside the pool, in pieces; an incremental one holds those that its parent has not. */
export type BackupSpec = {
  id: string;
  volumeId: string;
  /** The volume's key. */
  volumeKey: string | null;
  /** What is copied; null: the volume as it is when the copy begins. */
  snapshotId: string | null;
  /** null: full. */
  parentId: string | null;
  /** The backup's own key, base64 of 32 bytes; a chain of backups has one. */
  key: string;
};

export type BackupReport = {
  id: string;
  state: "working" | "ready" | "failed";
  /** What it takes where backups are kept. */
  storedBytes: number;
  pieces: number;
  /** 0 to 100. */
  progress: number;
  fault?: string;
};

export type ExportSpec = {
  id: string;
  source:
    | { kind: "volume"; volumeId: string; snapshotId: string | null; key: string | null }
    /** `quiesce`: ask the guest's agent to freeze its file systems meanwhile; when it does not answer, go on without. */
    | { kind: "guestDisk"; guestId: string; diskId: string; quiesce: boolean };
  /** One file, without backing file, not encrypted. */
  format: "qcow2" | "raw";
};

export type ExportReport = {
  id: string;
  state: "working" | "ready" | "failed";
  sizeBytes: number;
  /** Whether file systems were frozen. */
  quiesced: boolean;
  fault?: string;
};

/**
 * One line of GET /v1/reports. A full report lists everything the agent knows; a delta only what changed. Fields that are
 * absent say nothing.
 */
export type Report = {
  full: boolean;
  host: HostFacts;
  guests: GuestReport[];
  volumes?: VolumeReport[];
  backups?: BackupReport[];
  exports?: ExportReport[];
};
