/** What is in a volume's file, read and written behind the agent's back by QEMU's own tools. */
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { waitUntil } from "@andromede/base/waiting";
import { type NbdClient, connectNbd } from "@andromede/nbd/client";
import { inEngineRoot, runProcess, startProcess } from "@andromede/testkit/engines";

import type { QemuHost } from "./qemu-host.ts";

export type VolumeFile = { id: string; key: string | null };

const PIECE = 1024 * 1024;
const BLOCK = 512;
const ZEROES = Buffer.alloc(BLOCK);

/** Opens the volume over NBD while `work` runs. A snapshot is read, the volume itself may be written. */
export async function withVolume<T>(
  host: QemuHost,
  { id, key }: VolumeFile,
  work: (client: NbdClient) => Promise<T>,
  snapshot?: string,
): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), "andromede-nbd-"));
  const socketPath = join(directory, "s");
  const pidFile = join(directory, "pid");
  const keyFile = join(directory, "key");
  writeFileSync(keyFile, key ?? "");
  const image = `driver=qcow2,file.driver=file,file.filename=${join(host.volumes, `${id}.qcow2`)}`;
  const secret = key === null ? "" : ",encrypt.key-secret=key";
  const server = startProcess(
    inEngineRoot(
      host.engineRoot,
      [host.volumes, directory],
      [
        "qemu-nbd",
        "-t",
        "-k",
        socketPath,
        "--pid-file",
        pidFile,
        "-x",
        "volume",
        "--object",
        `secret,id=key,format=raw,file=${keyFile}`,
        ...(snapshot === undefined ? [] : ["-r", "-l", `snapshot.name=${snapshot}`]),
        // A guest may have it open.
        "--image-opts",
        `${image}${secret}${snapshot === undefined ? "" : ",read-only=on,force-share=on"}`,
      ],
    ),
  );
  try {
    // It is bound before qemu-nbd listens on it.
    await waitUntil(`qemu-nbd: ${server.output()}`, () => existsSync(pidFile), { timeoutMs: 20_000, everyMs: 5 });
    const client = await connectNbd({ socketPath, exportName: "volume" });
    try {
      return await work(client);
    } finally {
      await client.close();
    }
  } finally {
    await server.stop();
    rmSync(directory, { recursive: true });
  }
}

export async function writeVolume(
  host: QemuHost,
  volume: VolumeFile,
  writes: readonly { offset: number; data: Buffer }[],
): Promise<void> {
  await withVolume(host, volume, async (client) => {
    for (const { offset, data } of writes) await client.write(offset, data);
    await client.flush();
  });
}

/** A digest of all that is not zero, wherever it is: the same for the same content, whatever the volume's size. */
export async function digestOfVolume(host: QemuHost, volume: VolumeFile, snapshot?: string): Promise<string> {
  return withVolume(host, volume, digestOf, snapshot);
}

async function digestOf(client: NbdClient): Promise<string> {
  const hash = createHash("sha256");
  let offset = 0;
  while (offset < client.sizeBytes) {
    for (const extent of await client.extents(offset, Math.min(2 ** 30, client.sizeBytes - offset))) {
      const end = extent.offset + extent.length;
      for (let at = extent.offset; !extent.zero && at < end;) {
        const bytes = await client.read(at, Math.min(end - at, PIECE));
        // Blocks begin at the same places however the extents are cut (QEMU cuts at sectors of 512 bytes at least).
        for (let block = 0; block < bytes.length; block += BLOCK) {
          const content = bytes.subarray(block, block + BLOCK);
          if (!content.equals(ZEROES)) hash.update(String(at + block)).update(content);
        }
        at += bytes.length;
      }
      offset = end;
    }
  }
  return hash.digest("hex");
}

/** Names of the internal snapshots that the volume's file has. */
export const snapshotsIn = (host: QemuHost, volumeId: string): Promise<string[]> =>
  snapshotsOfFile(host, join(host.volumes, `${volumeId}.qcow2`));

export async function snapshotsOfFile(host: QemuHost, file: string): Promise<string[]> {
  const argv = ["qemu-img", "info", "-U", "--output=json", file];
  const output = await runProcess(inEngineRoot(host.engineRoot, [dirname(file)], argv));
  const { snapshots = [] } = JSON.parse(output) as { snapshots?: { name: string }[] };
  return snapshots.map(({ name }) => name);
}

/** Files below the directories in which one of the texts or bytes is found. */
export function filesWith(directories: readonly string[], wanted: readonly Buffer[]): string[] {
  return directories.flatMap(filesBelow).filter((path) => {
    const bytes = readFileSync(path);
    return wanted.some((each) => bytes.includes(each));
  });
}

export function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .map((name) => join(directory, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true);
}
