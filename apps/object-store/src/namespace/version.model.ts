/** What plans know of the versions of a key. */
import type { ObjectDetails } from "./object.model.ts";

export type Version = {
  sequence: number;
  versionId: string;
  isCurrent: boolean;
  isDeleteMarker: boolean;
  size: number;
  etag: string;
  modifiedAt: Date;
  deleteAt: Date | null;
  retention: ObjectDetails["retention"] | null;
  legalHold: boolean | null;
  packed: boolean;
};

/** What becomes of a key's rows. */
export type KeyPlan = {
  /** Versions that go, with their bytes. */
  remove: Version[];
  /** The one that was current and stays as an older version. */
  demote: Version | null;
  /** The older version that is current again. */
  promote: Version | null;
  /** Id of the new version or delete marker; null: there is none. */
  newVersionId: string | null;
};

export const NOTHING: KeyPlan = { remove: [], demote: null, promote: null, newVersionId: null };

/** What was written without versioning, or while that was suspended. */
export const NULL_VERSION = "null";

/** What plain requests see; what has come to its end is not there any more. */
export function currentOf(versions: readonly Version[], nowMs: number): Version | null {
  const current = versions.find((version) => version.isCurrent);
  if (current === undefined || hasEnded(current, nowMs)) return null;
  return current;
}

export const hasEnded = (version: Pick<Version, "deleteAt">, nowMs: number): boolean =>
  version.deleteAt !== null && version.deleteAt.getTime() <= nowMs;

export const lockOf = ({ retention, legalHold }: Version): Pick<ObjectDetails, "retention" | "legalHold"> => ({
  ...(retention === null || retention === undefined ? {} : { retention }),
  ...(legalHold === null ? {} : { legalHold }),
});

/** What a plan changes of how many things and bytes the container holds. Delete markers weigh nothing and count for nothing. */
export function weighed({ remove }: KeyPlan, added: { size: number } | null): { objects: number; bytes: number } {
  const objects = remove.filter((version) => !version.isDeleteMarker).length;
  const bytes = remove.reduce((sum, version) => sum + version.size, 0);
  return { objects: (added === null ? 0 : 1) - objects, bytes: (added?.size ?? 0) - bytes };
}
