/**
 * What keeps volumes: files of a pool (qcow2-driver.ts), or the simulation. The workers (volume-workers.ts) decide and
 * call one of these steps at a time for a volume; steps of different volumes run side by side.
 *
 * Every step MUST be idempotent and MAY be repeated after a crash at any instant, by this agent or by another one of the
 * pool. A step throws a CloudError whose message is fit for a customer; `unavailable` and what is no CloudError at all may
 * pass by itself.
 */
import type { VolumePool, VolumeSpec } from "@andromede/agent-api/types";

/** A volume and the key that opens it. */
export type VolumeName = { id: string; key: string | null };

/** What is there. `snapshots`: also those that are only there for a copy to be made of them. */
export type VolumeState = { sizeGib: number; snapshots: readonly string[]; revertNonce: string | null };

export type VolumeDriver = {
  /** Removes what an earlier agent of this host left half-made. MUST be called first, once. */
  start(): Promise<void>;
  pool(): VolumePool;
  /** What is there of the volume; null: nothing. Mends what a crash left. */
  look(volume: VolumeName): Promise<VolumeState | null>;
  make(spec: VolumeSpec, signal: AbortSignal): Promise<void>;
  grow(volume: VolumeName, sizeGib: number): Promise<void>;
  takeSnapshot(volume: VolumeName, snapshotId: string): Promise<void>;
  removeSnapshot(volume: VolumeName, snapshotId: string): Promise<void>;
  /** Is something being made from the snapshot? It must stay as long. */
  isRead(volumeId: string, snapshotId: string): Promise<boolean>;
  revert(volume: VolumeName, revert: { snapshotId: string; nonce: string }): Promise<void>;
  /** Has a guest of any host the volume open? */
  isOpen(volumeId: string): Promise<boolean>;
  /** Is there anything of it, be it what a crash left of its removal? */
  hasRemains(volumeId: string): Promise<boolean>;
  /** Leaves nothing of the volume. */
  remove(volumeId: string): Promise<void>;
  /** Called every minute. */
  tidy(): Promise<void>;
};

/** A snapshot of a volume that stays while something is made from it. `volumeBytes`: what the volume has become since. */
export type PointInTime = {
  volume: VolumeName;
  snapshot: string;
  path: string;
  sizeBytes: number;
  volumeBytes: number;
};

/** Snapshots that are there for a copy only are called so, and are nobody else's business. */
const TEMPORARY = "temporary-";
export const temporaryName = (unique: string): string => `${TEMPORARY}${unique}`;
export const isTemporary = (name: string): boolean => name.startsWith(TEMPORARY);

/** Called at each named step of an operation: tests end the agent there. */
export type StepHook = (step: string) => void;
export const NO_HOOK: StepHook = () => undefined;
