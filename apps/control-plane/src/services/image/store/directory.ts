/** What both stores do with a directory of this machine. */
import { constants } from "node:fs";
import { mkdir, open, readdir, rename, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Makes the directories. The store's own lets nobody but us in; files below it need no secrecy of their own. */
export async function ensureDirectories(directory: string, below: readonly string[]): Promise<void> {
  for (const name of below) await mkdir(join(directory, name), { recursive: true, mode: 0o700 });
}

export async function freeBytes(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}

/** Gives a file its last name: after this returns, a power cut does not take it back. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await rename(from, to);
  const directory = await open(dirname(to), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** The names in a directory; none when it is not there. */
export const namesIn = (directory: string): Promise<string[]> =>
  readdir(directory).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  });
