/** Makes, finds, restores and removes backups, wherever they are kept (backup-driver.ts). */
import { Worker } from "node:worker_threads";

import type { BackupReport, BackupSpec } from "@andromede/agent-api/types";
import { CloudError, unavailable } from "@andromede/base/errors";
import type { Logger } from "@andromede/base/log";

import type { BackupDriver, BackupPlace, Draft } from "./backup-driver.ts";
import { type BackupHeader, backupKeys, decodeManifest, readHeader } from "./backup-format.ts";
import type { BackupMessage, BackupWork } from "./backup-thread.ts";
import type { Progress } from "./backup-work.ts";
import type { PointInTime, StepHook } from "./driver.ts";
import { openBackups } from "./open-backups.ts";
import { serveSnapshot } from "./read-point.ts";
import type { VolumeTools } from "./tools.ts";
import { inWords } from "./words.ts";

/** What is told of a backup besides its name and state. */
export type BackupFacts = Omit<BackupReport, "id" | "state" | "fault">;

/** Makes, finds and removes backups. */
export type BackupStore = {
  /** Removes what an earlier agent of this host left half-made. */
  start(): Promise<void>;
  /** Called every minute; does not wait. */
  tidy(): void;
  find(backupId: string): Promise<BackupFacts | null>;
  /** Makes it, unless it is there. */
  make(spec: BackupSpec, tell: (facts: BackupFacts) => void, signal: AbortSignal): Promise<BackupFacts>;
  /** No error when it is not there. */
  remove(backupId: string): Promise<void>;
  /** Lets go of connections. */
  close(): void;
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

/** Where the backups of a host are: what the threads that make and restore them are told. */
export type BackupsOfHost = { place: BackupPlace; host: string; driver: BackupDriver };

export function backupsOfHost(place: BackupPlace, host: string, log: Logger): BackupsOfHost {
  const warn = (error: unknown): void =>
    log.warn({ error }, "what is left of a backup was not removed, will be tried again");
  return { place, host, driver: openBackups(place, { host, now: () => performance.now(), warn }) };
}

export function createBackupReader({ place, host, driver }: BackupsOfHost): BackupReader {
  return {
    async describe(backupId, key) {
      return decodeManifest(backupKeys(key), await driver.readManifest(backupId), backupId).header;
    },
    async restore(work, tell, signal) {
      await inThread({ do: "restore", place, host, ...work }, tell, signal);
    },
  };
}

type StoreOptions = {
  backups: BackupsOfHost;
  tools: VolumeTools;
  pointInTime: (
    volume: { id: string; key: string | null },
    snapshotId: string | null,
    work: (point: PointInTime) => Promise<BackupHeader>,
    giveUp: () => Promise<void>,
  ) => Promise<BackupHeader>;
  step: StepHook;
  log: Logger;
};

export function createBackupStore({ backups, tools, pointInTime, step, log }: StoreOptions): BackupStore {
  const { place, host, driver } = backups;
  const find = async (backupId: string): Promise<BackupFacts | null> => {
    const head = await driver.readManifestHead(backupId);
    return head === null ? null : factsOf(readHeader(head, backupId));
  };
  const copy = (
    spec: BackupSpec,
    draft: Draft,
    tell: (facts: BackupFacts) => void,
    signal: AbortSignal,
  ): Promise<BackupHeader> => {
    const { id, volumeId, volumeKey, parentId, key } = spec;
    const store = (point: PointInTime): Promise<BackupHeader> => {
      step("backup:snapshot");
      const { sizeBytes } = point;
      return serveSnapshot(tools, point, { owner: volumeId, signal }, async (socketPath, alive) => {
        const backup = { id, volumeId, parentId };
        const work: BackupWork = { do: "store", place, host, draft, socketPath, sizeBytes, key, backup };
        const toldOf = (progress: Progress): void => {
          tell(progress);
          step("backup:piece");
        };
        return headerOf(await inThread(work, toldOf, alive));
      });
    };
    return pointInTime({ id: volumeId, key: volumeKey }, spec.snapshotId, store, () => abandon(draft));
  };
  /** Why it was given up matters more than that something is left. */
  const abandon = (draft: Draft): Promise<void> =>
    driver.abandon(draft).catch((error: unknown) => {
      log.warn({ error, backup: draft.backupId }, "what is left of a backup was not removed");
    });

  return {
    find,
    start: () => driver.start(),
    tidy: () => driver.tidy(),
    async make(spec, tell, signal) {
      const there = await find(spec.id);
      if (there !== null) return there;
      let draft: Draft | null = null;
      try {
        draft = await driver.begin(spec.id);
        step("backup:begun");
        const header = await copy(spec, draft, tell, signal);
        step("backup:copied");
        await driver.publish(draft, signal);
        step("backup:complete");
        // Another host may have been first.
        return (await find(spec.id)) ?? factsOf(header);
      } catch (error) {
        if (draft !== null) await abandon(draft);
        throw inWords(error, `backup ${spec.id}`);
      }
    },
    remove: (backupId) => driver.remove(backupId, () => step("backup:removing")),
    close: () => driver.close(),
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

function toError({ kind, message, code, causes }: Extract<BackupMessage, { failed: unknown }>["failed"]): Error {
  const options = causes.length === 0 ? {} : { cause: causes.join("; ") };
  if (kind !== null) return new CloudError(kind, message, options);
  return Object.assign(new Error(message, options), { code });
}
