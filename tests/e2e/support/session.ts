/** One SSH session, hence one TCP connection, for as long as it lasts: the guest says a line every half second. */
import { spawn } from "node:child_process";

import { waitUntil } from "@andromede/base/waiting";

import { type Key, sshCommand } from "./guest.ts";

export type Session = {
  /** Waits until so many more lines have come; fails at once when the connection is gone. */
  more(lines: number, timeoutMs?: number): Promise<void>;
  /** The longest time between two lines since the last call. */
  longestSilenceMs(): number;
  end(): void;
};

export function openSession(key: Key, address: string): Session {
  // Nothing of the client's own may end it: what is asked is whether the network and the guest keep it.
  const [program = "", ...args] = sshCommand(key, address, "while true; do echo tick; sleep 0.5; done");
  const patient = ["-o", "ServerAliveInterval=0", "-o", "TCPKeepAlive=no", ...args];
  const child = spawn(program, patient, { stdio: ["ignore", "pipe", "ignore"] });
  let lines = 0;
  let ended = false;
  let heardAt = performance.now();
  let longest = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    lines += chunk.toString().split("tick").length - 1;
    longest = Math.max(longest, performance.now() - heardAt);
    heardAt = performance.now();
  });
  child.once("close", () => {
    ended = true;
  });
  return {
    async more(wanted, timeoutMs = 60_000) {
      const goal = lines + wanted;
      await waitUntil(`${wanted} more lines from the session`, () => ended || lines >= goal, { timeoutMs });
      if (lines < goal) throw new Error("the session's connection is gone");
    },
    longestSilenceMs() {
      const value = longest;
      longest = 0;
      return Math.round(value);
    },
    end: () => void child.kill("SIGTERM"),
  };
}
