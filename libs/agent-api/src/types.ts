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
 *   GET    /v1/guests/:id/vnc           Upgrade: tcp -> raw RFB stream
 *   GET    /v1/guests/:id/serial        Upgrade: tcp -> raw serial stream
 *   GET    /v1/reports                  -> NDJSON stream: a full Report on connect, then deltas, a full one every 30 s
 *   DELETE /v1/images/:id               -> 202, drops a cached image nobody uses
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
    | { kind: "empty" };
  /** 0: as large as the image. Grown at the next start when it rises; it MUST NOT fall. */
  sizeGib: number;
  bootIndex?: number;
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
   * The guest stopped without being asked to: it powered itself off, or its process was killed. It is not started
   * again by itself. `state` is "stopped"; `converged` is false unless a stop was wanted meanwhile.
   */
  spontaneous?: true;
  /** The nonce of the last reboot that was carried out. The guest is back once `converged`. */
  rebootNonce?: string;
  /** Ports whose tap is plugged AND whose flows OVN says are installed. */
  portsUp: string[];
  fault?: string;
  /** Set once when a DELETE has finished; the guest then disappears from full reports. */
  gone?: true;
};

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
};

/** One line of GET /v1/reports. A full report lists every guest the agent knows; a delta only those that changed. */
export type Report = { full: boolean; host: HostFacts; guests: GuestReport[] };
