/** Backups as directories (backup-format.ts). What is under its final name is whole; what is not, nobody will miss. */
import { mkdir, readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { Worker } from "node:worker_threads";

import type { BackupReport, BackupSpec } from "@andromede/agent-api/types";
import { CloudError, invalid, unavailable } from "@andromede/base/errors";

import { removePath, syncDirectory } from "../durable.ts";
import { type BackupHeader, backupKeys, decodeManifest, readHeader } from "./backup-format.ts";
import type { BackupMessage, BackupWork } from "./backup-thread.ts";
import { type Progress, readManifest, readManifestHead } from "./backup-work.ts";
import type { PointInTime, StepHook } from "./driver.ts";
import { serveSnapshot } from "./read-point.ts";
import type { VolumeTools } from "./tools.ts";
import { inWords } from "./words.ts";

/** What is told of a backup besides its name and state. */
export type BackupFacts = Omit<BackupReport, "id" | "state" | "fault">;

/** Makes, finds and removes backups. */
export type BackupStore = {
  /** Removes what an earlier agent of this host left half-made. */
  start(): Promise<void>;
  find(backupId: string): Promise<BackupFacts | null>;
  /** Makes it, unless it is there. */
  make(spec: BackupSpec, tell: (facts: BackupFacts) => void, signal: AbortSignal): Promise<BackupFacts>;
  /** No error when it is not there. */
  remove(backupId: string): Promise<void>;
};

/** What the restoring of volumes needs. */
export type BackupReader = {
  describe(backupId: string, key: string): Promise<BackupHeader>;
  /** `tell`: pieces are there. */
  restore(
    work: { backupId: string; key: string; socketPath: string },
    tell: (progress: Progress) => void,
    signal: AbortSignal,
  ): Promise<void>;
};

export function createBackupReader(directory: string): BackupReader {
  return {
    async describe(backupId, key) {
      return decodeManifest(backupKeys(key), await readManifest(directory, backupId), backupId).header;
    },
    async restore(work, tell, signal) {
      await inThread({ do: "restore", directory, ...work }, tell, signal);
    },
  };
}

type StoreOptions = {
  directory: string;
  host: string;
  tools: VolumeTools;
  pointInTime: (
    volume: { id: string; key: string | null },
    snapshotId: string | null,
    work: (point: PointInTime) => Promise<BackupHeader>,
    giveUp: () => Promise<void>,
  ) => Promise<BackupHeader>;
  step: StepHook;
};

export function createBackupStore({ directory, host, tools, pointInTime, step }: StoreOptions): BackupStore {
  const partialOf = (backupId: string): string => join(directory, `${backupId}.${host}.partial`);
  const find = async (backupId: string): Promise<BackupFacts | null> => {
    const head = await readManifestHead(directory, backupId);
    return head === null ? null : factsOf(readHeader(head, backupId));
  };
  const copy = (spec: BackupSpec, tell: (facts: BackupFacts) => void, signal: AbortSignal): Promise<BackupHeader> => {
    const { id, volumeId, volumeKey, parentId, key } = spec;
    const partial = partialOf(id);
    const store = (point: PointInTime): Promise<BackupHeader> => {
      step("backup:snapshot");
      const { sizeBytes } = point;
      return serveSnapshot(tools, point, { owner: volumeId, signal }, async (socketPath, alive) => {
        const backup = { id, volumeId, parentId };
        const work: BackupWork = { do: "store", directory, partial, socketPath, sizeBytes, key, backup };
        return headerOf(await inThread(work, tell, alive));
      });
    };
    return pointInTime({ id: volumeId, key: volumeKey }, spec.snapshotId, store, () => removePath(partial));
  };

  return {
    find,
    async start() {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const halves = (await readdir(directory)).filter((name) => name.endsWith(`.${host}.partial`));
      await Promise.all(halves.map((name) => removePath(join(directory, name))));
    },
    async make(spec, tell, signal) {
      const there = await find(spec.id);
      if (there !== null) return there;
      const partial = partialOf(spec.id);
      try {
        await removePath(partial);
        await mkdir(partial, { mode: 0o700 });
        step("backup:begun");
        const header = await copy(spec, tell, signal);
        step("backup:copied");
        await rename(partial, join(directory, spec.id));
        await syncDirectory(directory);
        step("backup:complete");
        return factsOf(header);
      } catch (error) {
        await removePath(partial);
        throw inWords(error, `backup ${spec.id}`);
      }
    },
    async remove(backupId) {
      const partial = partialOf(backupId);
      await removePath(partial);
      // A directory that is half removed must not look like a backup.
      await rename(join(directory, backupId), partial).catch((error: unknown) => {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      });
      await syncDirectory(directory);
      step("backup:removing");
      await removePath(partial);
    },
  };
}

function headerOf(header: BackupHeader | null): BackupHeader {
  if (header === null) throw unavailable("the backup's thread made nothing");
  return header;
}

const factsOf = ({ storedBytes, pieces }: BackupHeader): BackupFacts => ({ storedBytes, pieces, progress: 100 });

function inThread(
  work: BackupWork,
  tell: (facts: Progress) => void,
  signal: AbortSignal,
): Promise<BackupHeader | null> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(unavailable("given up"));
      return;
    }
    const thread = new Worker(new URL("backup-thread.ts", import.meta.url), { workerData: work });
    const stop = (): void => void thread.terminate();
    signal.addEventListener("abort", stop, { once: true });
    let end: (() => void) | null = null;
    thread.on("message", (message: BackupMessage) => {
      if ("progress" in message) tell(message.progress);
      else if ("done" in message) end = () => resolve(message.done);
      else end = () => reject(toError(message.failed));
    });
    thread.on("error", reject);
    thread.on("exit", () => {
      signal.removeEventListener("abort", stop);
      if (end === null) reject(unavailable("the backup was given up"));
      else end();
    });
  });
}

function toError({ kind, message, code }: Extract<BackupMessage, { failed: unknown }>["failed"]): Error {
  if (kind !== null) return kind === "invalid" ? invalid(message) : new CloudError(kind, message);
  return Object.assign(new Error(message), { code });
}
