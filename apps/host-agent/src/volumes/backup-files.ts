/**
 * Backups as directories: `<id>/pieces`, `<id>/manifest`. What is under its final name is whole; a draft is called
 * `<id>.<host>.partial`, and nobody will miss it.
 */
import { type FileHandle, mkdir, open, readFile, readdir, rename } from "node:fs/promises";
import { join } from "node:path";

import { notFound } from "@andromede/base/errors";

import { removePath, syncDirectory } from "../durable.ts";
import {
  type BackupDriver,
  type BackupDriverContext,
  type DraftWriter,
  MOST_HEADER_BYTES,
  type PieceReader,
} from "./backup-driver.ts";
import { damaged } from "./backup-format.ts";

export function openBackupFiles({ directory }: { directory: string }, { host }: BackupDriverContext): BackupDriver {
  const partialOf = (backupId: string): string => join(directory, `${backupId}.${host}.partial`);
  const manifestOf = (backupId: string): string => join(directory, backupId, "manifest");

  return {
    async start() {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const halves = (await readdir(directory)).filter((name) => name.endsWith(`.${host}.partial`));
      await Promise.all(halves.map((name) => removePath(join(directory, name))));
    },
    tidy: () => undefined,
    async readManifestHead(backupId) {
      const file = await open(manifestOf(backupId), "r").catch(unlessMissing);
      if (file === undefined) return null;
      try {
        const { bytesRead, buffer } = await file.read(Buffer.alloc(MOST_HEADER_BYTES), 0, MOST_HEADER_BYTES, 0);
        return buffer.subarray(0, bytesRead);
      } finally {
        await file.close();
      }
    },
    readManifest: (backupId) =>
      readFile(manifestOf(backupId)).catch((cause: unknown) => {
        throw notFound(`Backup ${backupId} is not there`, { cause });
      }),
    async openPieces(backupId) {
      const file = await open(join(directory, backupId, "pieces"), "r").catch((cause: unknown) => {
        throw notFound(`Backup ${backupId} is not there`, { cause });
      });
      return pieceReader(backupId, file);
    },
    async begin(backupId) {
      const name = partialOf(backupId);
      await removePath(name);
      await mkdir(name, { mode: 0o700 });
      return { backupId, name };
    },
    openDraft: ({ name }) => draftWriter(name),
    async publish({ backupId, name }) {
      const isTaken = await rename(name, join(directory, backupId)).then(
        () => false,
        (error: NodeJS.ErrnoException) => {
          if (error.code === "ENOTEMPTY" || error.code === "EEXIST") return true;
          throw error;
        },
      );
      if (isTaken) await removePath(name);
      await syncDirectory(directory);
    },
    abandon: ({ name }) => removePath(name),
    async remove(backupId, unnamed) {
      const partial = partialOf(backupId);
      await removePath(partial);
      // A directory that is half removed must not look like a backup.
      await rename(join(directory, backupId), partial).catch(unlessMissing);
      await syncDirectory(directory);
      unnamed();
      await removePath(partial);
    },
    close: () => undefined,
  };
}

function unlessMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
}

function pieceReader(backupId: string, file: FileHandle): PieceReader {
  return {
    async read(offset, length) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, offset);
      if (bytesRead !== length) throw damaged(backupId);
      return buffer;
    },
    close: () => file.close(),
  };
}

async function draftWriter(partial: string): Promise<DraftWriter> {
  const file = await open(join(partial, "pieces"), "wx", 0o600);
  let size = 0;
  return {
    async append(bytes) {
      await writeAll(file, bytes, size);
      size += bytes.length;
    },
    async finish(manifest) {
      await file.sync();
      await writeSynced(join(partial, "manifest"), manifest);
      await syncDirectory(partial);
    },
    close: () => file.close(),
  };
}

async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    // eslint-disable-next-line no-await-in-loop
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

async function writeSynced(path: string, content: Buffer): Promise<void> {
  const handle = await open(path, "wx", 0o600);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
