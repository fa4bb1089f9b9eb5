/** A customer's guest over SSH. */
import { mkdirSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { waitUntil } from "@andromede/base/waiting";

import { type Finished, run, tryRun } from "./run.ts";

export type Key = { privateFile: string; publicFile: string };

/** A new key pair, made as a customer would. */
export async function makeKey(): Promise<Key> {
  const directory = mkdtempSync(join(tmpdir(), "andromede-key-"));
  mkdirSync(directory, { recursive: true });
  const privateFile = join(directory, "id");
  await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", privateFile]);
  return { privateFile, publicFile: `${privateFile}.pub` };
}

export const sshCommand = (key: Key, address: string, command: string, user = "mini"): string[] => [
  "ssh",
  "-i",
  key.privateFile,
  "-o",
  "StrictHostKeyChecking=no",
  "-o",
  "UserKnownHostsFile=/dev/null",
  "-o",
  "LogLevel=ERROR",
  "-o",
  "BatchMode=yes",
  "-o",
  "ConnectTimeout=5",
  "-o",
  "ServerAliveInterval=5",
  `${user}@${address}`,
  command,
];

/** Runs a command in the guest, waiting for its SSH server, up to two minutes unless said. */
export function inGuest(
  key: Key,
  address: string,
  command: string,
  { user = "mini", timeoutMs = 120_000 }: { user?: string; timeoutMs?: number } = {},
): Promise<string> {
  return waitUntil(
    `ssh ${user}@${address}`,
    async () => {
      const finished: Finished = await tryRun(sshCommand(key, address, command, user), { timeoutMs: 60_000 });
      if (finished.code !== 0) throw new Error(`exit ${finished.code}: ${finished.stderr}${finished.stdout}`);
      return finished.stdout.trim() === "" ? " " : finished.stdout.trim();
    },
    { timeoutMs, everyMs: 500 },
  );
}

/** Does a TCP connection to the port come about within three seconds? */
export async function portOpen(address: string, port: number): Promise<boolean> {
  const finished = await tryRun(["timeout", "3", "bash", "-c", `exec 3<>/dev/tcp/${address}/${port}`], {
    timeoutMs: 30_000,
  });
  return finished.code === 0;
}
