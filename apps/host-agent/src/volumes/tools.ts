/**
 * qemu-img and qemu-nbd for volumes: each in a jail of its own that has the files it is about and nothing else, under a
 * user that only this volume's programs have, ending when the agent does. Keys reach them as files in their jail's memory.
 */
import { randomBytes } from "node:crypto";
import { chown, mkdir, stat } from "node:fs/promises";
import { join } from "node:path";

import { unavailable } from "@andromede/base/errors";
import { waitUntil } from "@andromede/base/waiting";

import { removePath } from "../durable.ts";
import { type Bind, jailCommand } from "../jail/jail.ts";
import { FIRST_SECRET_FD, runTool, startTool } from "../jail/tool.ts";
import type { User } from "../storage/qemu-img.ts";

export type ToolUse = {
  /** Whose programs these are: a volume's, or a user's own. */
  owner: string | User;
  files: readonly Bind[];
  /** The first is secret `key0`, and so on; null: there is none of this number. */
  keys: readonly (string | null)[];
  what: string;
  /** How much there is to go through: time and processor are given by it. */
  bytes: number;
  signal?: AbortSignal | undefined;
};

export type VolumeTools = {
  /** Runs `qemu-img command <objects> ...args`; gives its standard output. */
  img(command: string, args: readonly string[], use: ToolUse): Promise<string>;
  /** Serves an image over NBD, as export `volume`, while `work` runs. */
  serve<T>(
    args: readonly string[],
    use: Omit<ToolUse, "bytes">,
    work: (socketPath: string, signal: AbortSignal) => Promise<T>,
  ): Promise<T>;
};

export const EXPORT_NAME = "volume";

const GIB = 2 ** 30;
/** An image can be made to cost much more than it is worth (CVE-2015-5162); a disk that is merely slow must not fail. */
const LEAST = { timeoutMs: 120_000, cpuSeconds: 60 };
const PER_GIB = { timeoutMs: 180_000, cpuSeconds: 60 };
const ADDRESS_SPACE_BYTES = 4 * GIB;
const SERVER_MS = 15_000;

export const limitsFor = (bytes: number): { timeoutMs: number; cpuSeconds: number } => ({
  timeoutMs: LEAST.timeoutMs + Math.ceil(bytes / GIB) * PER_GIB.timeoutMs,
  cpuSeconds: LEAST.cpuSeconds + Math.ceil(bytes / GIB) * PER_GIB.cpuSeconds,
});

const secretPath = (at: number): string => `/secrets/key${at}`;

type ToolOptions = { engineRoot: string; userOf: (owner: string) => User; socketDirectory: string };

/** The programs of an engine root. */
export function createVolumeTools({ engineRoot, userOf, socketDirectory }: ToolOptions): VolumeTools {
  const asUser = (owner: string | User): User => (typeof owner === "string" ? userOf(owner) : owner);
  const commandFor = (program: readonly string[], use: Omit<ToolUse, "bytes">, cpuSeconds?: number): string[] => {
    const given = use.keys.flatMap((key, at) => (key === null ? [] : at));
    const jail = {
      engineRoot,
      binds: use.files,
      network: "none" as const,
      user: asUser(use.owner),
      diesWithStarter: true,
      secrets: given.map((at, order) => ({ descriptor: FIRST_SECRET_FD + order, target: secretPath(at) })),
      limits: { addressSpaceBytes: ADDRESS_SPACE_BYTES, ...(cpuSeconds === undefined ? {} : { cpuSeconds }) },
    };
    return jailCommand(jail, program);
  };
  const objects = ({ keys }: { keys: ToolUse["keys"] }): string[] =>
    keys.flatMap((key, at) =>
      key === null ? [] : ["--object", `secret,id=key${at},format=raw,file=${secretPath(at)}`],
    );
  const secrets = ({ keys }: { keys: ToolUse["keys"] }): string[] => keys.filter((key) => key !== null);

  return {
    img(command, args, use) {
      const { timeoutMs, cpuSeconds } = limitsFor(use.bytes);
      const program = ["qemu-img", command, ...objects(use), ...args];
      return runTool(commandFor(program, use, cpuSeconds), {
        what: use.what,
        secrets: secrets(use),
        signal: use.signal,
        timeoutMs,
      });
    },
    async serve(args, use, work) {
      const directory = join(socketDirectory, randomBytes(4).toString("hex"));
      const socketPath = join(directory, "s");
      const user = asUser(use.owner);
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await chown(directory, user.uid, user.gid);
      const files = [...use.files, { source: directory, target: "/nbd", writable: true }];
      const program = [
        "qemu-nbd",
        "-t",
        "-e",
        "1",
        "-k",
        "/nbd/s",
        "--pid-file",
        "/nbd/pid",
        "-x",
        EXPORT_NAME,
        ...objects(use),
        ...args,
      ];
      const stop = new AbortController();
      const signal = use.signal === undefined ? stop.signal : AbortSignal.any([use.signal, stop.signal]);
      const tool = startTool(commandFor(program, { ...use, files }), { what: use.what, secrets: secrets(use), signal });
      const ended = tool.ended.then(() => {
        throw unavailable(`${use.what} ended early`);
      });
      ended.catch(() => stop.abort());
      try {
        // The socket is bound before qemu-nbd listens on it; the pid file comes when it serves.
        const there = waitUntil(use.what, () => stat(join(directory, "pid")).then(() => true), {
          timeoutMs: SERVER_MS,
          everyMs: 5,
        });
        there.catch(() => undefined);
        await Promise.race([there, ended]);
        return await Promise.race([work(socketPath, signal), ended]);
      } finally {
        stop.abort();
        await ended.catch(() => undefined);
        await removePath(directory);
      }
    },
  };
}

/** How a program names an image of its jail. `key`: number of the secret that opens it. */
export function imageOptions(
  path: string,
  options: { format?: "qcow2" | "raw"; key?: number | null; readOnly?: boolean },
): string {
  const { format = "qcow2", key = null, readOnly = false } = options;
  return [
    `driver=${format},file.driver=file,file.filename=${path}`,
    ...(key === null ? [] : [`encrypt.key-secret=key${key}`]),
    // Others may be writing it: what is read of it is a snapshot.
    ...(readOnly ? ["read-only=on,force-share=on"] : []),
  ].join(",");
}
