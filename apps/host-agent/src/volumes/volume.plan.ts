/** (wanted, what is there) -> the next step towards it. Pure. */
import type { VolumeReport, VolumeSpec } from "@andromede/agent-api/types";

import { type VolumeState, isTemporary } from "./driver.ts";

export type VolumeStep =
  | { do: "make" }
  | { do: "revert"; revert: { snapshotId: string; nonce: string } }
  | { do: "grow" }
  | { do: "takeSnapshot" | "removeSnapshot"; snapshotId: string }
  /** What is unwanted is still being read. */
  | { do: "wait" }
  | { do: "fault"; message: string }
  | { do: "done" };

/** `isRead`: something is being made from the snapshot. */
export function planVolume(
  spec: VolumeSpec,
  state: VolumeState | null,
  isRead: (snapshotId: string) => boolean,
): VolumeStep {
  if (state === null) return { do: "make" };
  if (spec.revert !== undefined && spec.revert.nonce !== state.revertNonce) {
    const { snapshotId } = spec.revert;
    if (!state.snapshots.includes(snapshotId)) return { do: "fault", message: `Snapshot ${snapshotId} is not there` };
    return { do: "revert", revert: spec.revert };
  }
  if (spec.sizeGib < state.sizeGib) {
    return { do: "fault", message: `Volume ${spec.id} cannot shrink from ${state.sizeGib} to ${spec.sizeGib} GiB` };
  }
  if (spec.sizeGib > state.sizeGib) return { do: "grow" };
  const missing = spec.snapshots.find((snapshotId) => !state.snapshots.includes(snapshotId));
  if (missing !== undefined) return { do: "takeSnapshot", snapshotId: missing };
  const extra = state.snapshots.filter((snapshotId) => !spec.snapshots.includes(snapshotId));
  const unread = extra.find((snapshotId) => !isRead(snapshotId));
  if (unread !== undefined) return { do: "removeSnapshot", snapshotId: unread };
  // A snapshot that is there for a copy only is not what anybody waits for.
  return extra.every(isTemporary) ? { do: "done" } : { do: "wait" };
}

/** What is told of a volume. */
export function reportVolume(
  spec: VolumeSpec,
  state: VolumeState | null,
  phase: { state: VolumeReport["state"]; fault: string | null },
): VolumeReport {
  return {
    id: spec.id,
    generation: spec.generation,
    state: phase.state,
    sizeGib: state?.sizeGib ?? 0,
    snapshots: (state?.snapshots ?? []).filter((name) => !isTemporary(name)),
    ...(state === null || state.revertNonce === null ? {} : { revertNonce: state.revertNonce }),
    ...(phase.fault === null ? {} : { fault: phase.fault }),
  };
}
