/**
 * What the volumes' side needs of guests whose process has a disk open: only that process may then change the file
 * (QEMU's image locks see to it), so it is asked to. The backend of guests implements this over QMP.
 *
 * A disk that was found may be let go of at any moment: every method then throws `unavailable`, and whoever called looks
 * again. Everything is idempotent.
 */
import type { Bind } from "../jail/jail.ts";

/** A disk that a process of a guest of this host has open, whether its processors run or not. */
export type OpenDisk = {
  readonly guestId: string;
  /**
   * Takes an internal snapshot of this name, of one instant. What the snapshot holds is in the file when this resolves,
   * so that others may read it with `force-share`. One of this name that is there already is left as it is.
   */
  takeSnapshot(name: string): Promise<void>;
  /** Removes an internal snapshot; one that is not there is no error. */
  removeSnapshot(name: string): Promise<void>;
  /** Makes the disk this large (block_resize); the guest sees it. One that is as large or larger is left as it is. */
  grow(sizeBytes: number): Promise<void>;
};

/** A disk that is no volume: the file, and what else it needs to be read. */
export type GuestDiskFile = {
  path: string;
  /** The files that it refers to, under the names that it has for them. */
  binds: readonly Bind[];
  /** null: no process has it open. */
  open: OpenDisk | null;
};

export type OnlineGuests = {
  /** Who has the volume open. Of a shared one any of them, as long as it is open. */
  volumeOpen(volumeId: string): OpenDisk | undefined;
  /** A disk of a guest that is prepared; undefined: there is no such guest or disk here, or it is a volume. */
  guestDisk(guestId: string, diskId: string): Promise<GuestDiskFile | undefined>;
  /** Asks the guest's own agent to freeze its file systems. False when it does not answer, or there is no process. */
  freeze(guestId: string): Promise<boolean>;
  /** Never throws: whatever thaws by itself, or was never frozen, is none of the caller's business. */
  thaw(guestId: string): Promise<void>;
};
