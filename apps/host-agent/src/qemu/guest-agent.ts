/**
 * Speaks with the agent inside a guest (qemu-guest-agent), if one runs there, over its virtio-serial port. What it says is
 * the guest's word: nothing here depends on it being true, or on it being short.
 *
 * Each call is a connection of its own, begun by `guest-sync-delimited`: whatever an earlier conversation left in the port
 * is skipped by it. QEMU serves one connection at a time.
 */
import { randomInt } from "node:crypto";
import type { Duplex } from "node:stream";

import { conflict, unavailable } from "@andromede/base/errors";
import { isObject } from "@andromede/base/json";

import { connectUnixStream } from "./unix-stream.ts";

const ANSWER_MS = 5_000;
/** Freezing waits for all that is being written. */
const FREEZE_MS = 60_000;
const MAX_ANSWER_CHARS = 1024 * 1024;
const DELIMITER = "\u00ff";

export type GuestAgent = {
  /** How many file systems are frozen now. */
  freeze(): Promise<number>;
  thaw(): Promise<void>;
  /** `password`: base64. */
  setPassword(user: string, password: string): Promise<void>;
};

/** The agent at a guest's socket. Everything throws a conflict when none answers, or it refuses. */
export function guestAgentAt(socketPath: string): GuestAgent {
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work, work);
    last = turn.catch(() => undefined);
    return turn;
  };
  const call = (command: string, args: { [name: string]: unknown }, timeoutMs: number): Promise<unknown> =>
    inTurn(async () => {
      const socket = await connectUnixStream(socketPath);
      try {
        const talk = conversation(socket);
        const id = randomInt(1, 2 ** 31);
        const synced = talk.answer((text) => text.includes(DELIMITER) && isAnswer(text, id), ANSWER_MS);
        // The byte that no JSON has makes an agent forget half a message that somebody else left it with.
        socket.write(Buffer.from([0xff]));
        socket.write(`${JSON.stringify({ execute: "guest-sync-delimited", arguments: { id } })}\n`);
        await synced;
        const answered = talk
          .answer((text) => text.trim() !== "", timeoutMs)
          .catch((cause: unknown) => {
            // Unlike above: it heard, and may yet do it.
            throw unavailable("The server's agent did not answer in time", { cause });
          });
        socket.write(`${JSON.stringify({ execute: command, arguments: args })}\n`);
        return resultOf(await answered, command);
      } finally {
        socket.destroy();
      }
    });
  return {
    freeze: async () => Number(await call("guest-fsfreeze-freeze", {}, FREEZE_MS)),
    thaw: async () => void (await call("guest-fsfreeze-thaw", {}, FREEZE_MS)),
    setPassword: async (username, password) =>
      void (await call("guest-set-user-password", { username, password, crypted: false }, ANSWER_MS)),
  };
}

/** The next line that fits. */
function conversation(socket: Duplex): { answer: (fits: (line: string) => boolean, ms: number) => Promise<string> } {
  let rest = "";
  let look: () => void = () => undefined;
  socket.setEncoding("latin1").on("data", (text: string) => {
    rest += text;
    if (rest.length > MAX_ANSWER_CHARS) socket.destroy();
    look();
  });
  return {
    answer: (fits, ms) =>
      new Promise((resolve, reject) => {
        const failed = (): void => {
          clearTimeout(timer);
          reject(conflict("No agent answers in the server"));
        };
        const timer = setTimeout(failed, ms);
        socket.once("close", failed);
        look = () => {
          for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
            const line = rest.slice(0, end);
            rest = rest.slice(end + 1);
            if (!fits(line)) continue;
            clearTimeout(timer);
            socket.off("close", failed);
            look = () => undefined;
            resolve(line);
            return;
          }
        };
        look();
      }),
  };
}

function isAnswer(line: string, id: number): boolean {
  const said = parse(line.slice(line.lastIndexOf(DELIMITER) + 1));
  return isObject(said) && said["return"] === id;
}

function resultOf(line: string, command: string): unknown {
  const said = parse(line);
  if (isObject(said) && "return" in said) return said["return"];
  const why = isObject(said) && isObject(said["error"]) ? String(said["error"]["desc"]).slice(0, 200) : "no reason";
  throw conflict(`The server's agent refused ${command}: ${why}`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, "latin1").toString("utf8"));
  } catch {
    return undefined;
  }
}
