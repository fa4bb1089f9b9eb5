/** What noVNC or a terminal in a browser does with a console's URL, as far as a test needs it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { waitUntil } from "@andromede/base/waiting";
import { WebSocket } from "ws";

import type { Cloud } from "../support/cloud.ts";

export type ConsoleClient = {
  /** Waits until what has come since the last call has this, and gives what came up to its end. */
  expect(wanted: RegExp, timeoutMs?: number): Promise<string>;
  /** Waits for so many bytes and takes them. */
  take(count: number): Promise<Buffer>;
  send(data: Buffer | string): void;
  /** Resolves when the other side has hung up. */
  closed(): Promise<void>;
  close(): void;
};

/** The HTTP status that answers the upgrade: 101 for a console, another for a refusal. A console is closed at once. */
export function upgradeStatus(cloud: Cloud, url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, options(cloud));
    socket.once("open", () => {
      socket.terminate();
      resolve(101);
    });
    socket.once("unexpected-response", (request, response) => {
      request.destroy();
      resolve(response.statusCode ?? 0);
    });
    socket.on("error", reject);
  });
}

export async function openConsole(cloud: Cloud, url: string): Promise<ConsoleClient> {
  // noVNC offers "binary"
  const socket = new WebSocket(url, ["binary"], options(cloud));
  let received = Buffer.alloc(0);
  let hungUp = false;
  socket.on("message", (data: Buffer) => {
    received = Buffer.concat([received, data]);
  });
  socket.on("close", () => {
    hungUp = true;
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
  return {
    async expect(wanted, timeoutMs = 30_000) {
      try {
        return await waitUntil(
          `${String(wanted)} on the console`,
          () => {
            const text = received.toString("latin1");
            const found = wanted.exec(text);
            if (found === null) return false;
            const end = found.index + found[0].length;
            received = received.subarray(end);
            return text.slice(0, end);
          },
          { timeoutMs },
        );
      } catch (cause) {
        throw new Error(`the console says ${JSON.stringify(received.toString("latin1").slice(-500))}`, { cause });
      }
    },
    async take(count) {
      await waitUntil(`${count} bytes`, () => received.length >= count, { timeoutMs: 30_000 });
      const taken = received.subarray(0, count);
      received = received.subarray(count);
      return taken;
    },
    send: (data) => socket.send(data),
    closed: async () => void (await waitUntil("the end of the console", () => hungUp, { timeoutMs: 30_000 })),
    close: () => socket.terminate(),
  };
}

const options = (cloud: Cloud): { ca: Buffer } => ({ ca: readFileSync(join(cloud.directory, "tls/ca.crt")) });

/** RFC 6143, 7.1 to 7.3 and 7.5.3: greets, asks for the whole screen, and gives its size once a piece of it has come. */
export async function lookAtScreen(screen: ConsoleClient): Promise<{ width: number; height: number; name: string }> {
  const version = await screen.take(12);
  screen.send(version);
  const [offers = 0] = await screen.take(1);
  const kinds = await screen.take(offers);
  if (!version.toString().startsWith("RFB 003.008") || !kinds.includes(1)) {
    throw new Error(`not the greeting of a screen without password: ${version.toString()} ${kinds.toString("hex")}`);
  }
  screen.send(Buffer.from([1]));
  if ((await screen.take(4)).readUInt32BE() !== 0) throw new Error("the screen refused");
  // shared: whoever else looks keeps looking
  screen.send(Buffer.from([1]));
  const init = await screen.take(24);
  const width = init.readUInt16BE(0);
  const height = init.readUInt16BE(2);
  const name = (await screen.take(init.readUInt32BE(20))).toString();
  const request = Buffer.from([3, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  request.writeUInt16BE(width, 6);
  request.writeUInt16BE(height, 8);
  screen.send(request);
  const update = await screen.take(4);
  if (update[0] !== 0 || update.readUInt16BE(2) === 0)
    throw new Error(`no update of the screen: ${update.toString("hex")}`);
  return { width, height, name };
}
