/**
 * Volumes that several guests have open at a time. There MUST be one process that writes a qcow2 file, since it holds the
 * file's tables in memory; so such a volume is served by a process of its own (qemu-storage-daemon, over NBD) to all
 * guests of the machine that have it, whichever host's agent started it first. QEMU's lock on the file sees to it that
 * there is never a second one.
 *
 * Guests find its socket by hard links (volume-links.ts); the process goes when the last of them has gone.
 */
import { chmod, chown, mkdir, readdir, stat } from "node:fs/promises";
import { join } from "node:path";

import { messageOf, unavailable } from "@andromede/base/errors";
import type { Logger } from "@andromede/base/log";
import { waitUntil } from "@andromede/base/waiting";
import { quit } from "@andromede/qmp/commands";
import { type QmpMonitor, connectMonitor } from "@andromede/qmp/monitor";
import { socketPath } from "@andromede/qmp/socket-path";

import { readIfThere, removePath } from "../durable.ts";
import { jailCommand } from "../jail/jail.ts";
import {
  type ProcessRecord,
  commandLineOf,
  findProcesses,
  killProcesses,
  startDetached,
  untilGone,
} from "../jail/process.ts";
import { Turns } from "../volumes/slots.ts";
import { SERVED_EXPORT } from "../qemu/guest-command.ts";
import { connectUnixStream } from "../qemu/unix-stream.ts";
import type { User } from "./qemu-img.ts";

export type SharedVolumes = {
  /** The socket of a volume's server, to be linked. The volume is served afterwards. */
  serve(volumeId: string, key: string | null): Promise<string>;
  /** Ends the server if no guest of any host has a link to its socket. */
  release(volumeId: string): Promise<void>;
  /** Ends servers that a crash left without a guest. */
  tidy(): Promise<void>;
  /** Talks with the server of a volume; its node is `SERVED_NODE`. */
  withMonitor<T>(volumeId: string, work: (monitor: QmpMonitor) => Promise<T>): Promise<T>;
};

/** The block node within the server. */
export const SERVED_NODE = "volume";

const START_MS = 15_000;
const QUIT_MS = 5_000;
const ORPHAN_MS = 30_000;
const KEY_FD = 3;
const KEY_PATH = "/secrets/key";

type Options = {
  engineRoot: string;
  /** The pool's directory. */
  pool: string;
  /** This host's own, for what servers say. */
  logDirectory: string;
  userOf: (volumeId: string) => User;
  log: Logger;
};

export function createSharedVolumes(options: Options): SharedVolumes {
  const turns = new Turns();
  const { pool, log } = options;
  const at = (volumeId: string, name: string): string => join(pool, "shared", volumeId, name);
  const endUnused = async (volumeId: string): Promise<void> => {
    const there = await stat(at(volumeId, "nbd.sock")).catch(() => null);
    if (there !== null && there.nlink > 1) return;
    await end(volumeId, at(volumeId, "qmp.sock"), log);
    await removePath(join(pool, "shared", volumeId));
  };
  /** One that was made a moment ago is about to be linked to, by this agent or by another. */
  const endOrphan = async (volumeId: string): Promise<void> => {
    const { ctimeMs } = await stat(join(pool, "shared", volumeId)).catch(() => ({ ctimeMs: Date.now() }));
    if (Date.now() - ctimeMs > ORPHAN_MS) await endUnused(volumeId);
  };
  return {
    serve: (volumeId, key) =>
      turns.run(volumeId, async () => {
        const socket = at(volumeId, "nbd.sock");
        if (!(await answers(socket))) await start(options, volumeId, key);
        await chmod(socket, 0o666);
        return socket;
      }),
    release: (volumeId) => turns.run(volumeId, () => endUnused(volumeId)),
    async tidy() {
      const volumeIds = await readdir(join(pool, "shared")).catch(() => []);
      await Promise.all(volumeIds.map((volumeId) => turns.run(volumeId, () => endOrphan(volumeId))));
    },
    withMonitor: (volumeId, work) =>
      turns.run(volumeId, async () => {
        const monitor = await connect(at(volumeId, "qmp.sock"));
        try {
          return await work(monitor);
        } finally {
          monitor.close();
        }
      }),
  };
}

async function start(
  { engineRoot, pool, logDirectory, userOf, log }: Options,
  volumeId: string,
  key: string | null,
): Promise<void> {
  const directory = join(pool, "shared", volumeId);
  const user = userOf(volumeId);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chown(directory, user.uid, user.gid);
  await mkdir(logDirectory, { recursive: true, mode: 0o700 });
  const logPath = join(logDirectory, `${volumeId}.log`);
  await removePath(logPath);
  const command = jailCommand(
    {
      engineRoot,
      binds: [
        { source: join(pool, `${volumeId}.qcow2`), target: "/volume/volume.qcow2", writable: true },
        { source: directory, target: "/run/volume", writable: true },
      ],
      network: "none",
      user,
      secrets: key === null ? [] : [{ descriptor: KEY_FD, target: KEY_PATH }],
      limits: {},
    },
    serverCommand(volumeId, key !== null),
  );
  const { exited } = await startDetached(command, logPath, [], key === null ? [] : [key]);
  const endedEarly = exited.then(async ({ code, signal }) => {
    const said = (await readIfThere(logPath))?.trim().slice(-1000);
    throw unavailable(`Volume ${volumeId} cannot be shared now`, { cause: `${code ?? signal}: ${said}` });
  });
  endedEarly.catch(() => undefined);
  const ready = waitUntil(`the server of volume ${volumeId}`, () => answers(join(directory, "nbd.sock")), {
    timeoutMs: START_MS,
    everyMs: 5,
  });
  ready.catch(() => undefined);
  await Promise.race([ready, endedEarly]);
  // It has read it.
  for (const { pid } of await serversOf(volumeId)) await removePath(`/proc/${pid}/root${KEY_PATH}`);
  log.info({ volume: volumeId }, "shared volume served");
}

/** The file is opened before a socket is made: who does not get the file's lock touches nothing of who has it. */
function serverCommand(volumeId: string, encrypted: boolean): string[] {
  const node = [
    `driver=qcow2,node-name=${SERVED_NODE},discard=unmap`,
    ...(encrypted ? ["encrypt.format=luks,encrypt.key-secret=key"] : []),
    "file.driver=file,file.filename=/volume/volume.qcow2,file.aio=threads,file.discard=unmap",
  ];
  return [
    ["qemu-storage-daemon"],
    encrypted ? ["--object", `secret,id=key,file=${KEY_PATH}`] : [],
    ["--blockdev", node.join(",")],
    ["--chardev", "socket,id=monitor,path=/run/volume/qmp.sock,server=on,wait=off"],
    ["--monitor", "chardev=monitor"],
    ["--nbd-server", "addr.type=unix,addr.path=/run/volume/nbd.sock,max-connections=0"],
    ["--export", `nbd,id=${serverId(volumeId)},node-name=${SERVED_NODE},name=${SERVED_EXPORT},writable=on`],
  ].flat();
}

/** By this the process is known among all. */
const serverId = (volumeId: string): string => `shared-${volumeId}`;

async function serversOf(volumeId: string): Promise<ProcessRecord[]> {
  const found = await findProcesses((commandLine) =>
    commandLine.some((element) => element.startsWith(`nbd,id=${serverId(volumeId)},`)),
  );
  const own = await Promise.all(
    found.map(async (record) =>
      (await commandLineOf(record.pid))[0]?.startsWith("qemu-storage-daemon") === true ? record : null,
    ),
  );
  return own.filter((record) => record !== null);
}

async function end(volumeId: string, qmpSocket: string, log: Logger): Promise<void> {
  const processes = await serversOf(volumeId);
  if (processes.length === 0) return;
  try {
    const monitor = await connect(qmpSocket);
    // It closes the connection rather than answer, at times.
    await quit(monitor).catch(() => undefined);
    monitor.close();
    await untilGone(processes, QUIT_MS);
  } catch (error) {
    log.warn({ volume: volumeId, reason: messageOf(error) }, "the server of a shared volume did not quit, is killed");
    await killProcesses(processes);
  }
}

async function answers(socket: string): Promise<boolean> {
  try {
    (await connectUnixStream(socket)).destroy();
    return true;
  } catch {
    return false;
  }
}

async function connect(qmpSocket: string): Promise<QmpMonitor> {
  const { path, release } = socketPath(qmpSocket);
  try {
    return await connectMonitor(path, { timeoutMs: 5_000 });
  } finally {
    release();
  }
}
