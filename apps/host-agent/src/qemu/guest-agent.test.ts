import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { type Server, type Socket, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";

import { CloudError } from "@andromede/base/errors";

import { type GuestAgent, guestAgentAt } from "./guest-agent.ts";

type Message = { execute: string; arguments: { [name: string]: unknown } };

/** qemu-guest-agent's part of the port; `answer`: what it says to a command, as it is. */
describe("a guest's own agent", () => {
  let directory: string;
  let server: Server;
  let agent: GuestAgent;
  let heard: Message[];
  let answer: (message: Message, socket: Socket) => void;
  const say = (socket: Socket, message: unknown): void => void socket.write(`${JSON.stringify(message)}\n`);

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), "andromede-guest-agent-"));
    heard = [];
    server = createServer((socket) => {
      let rest = "";
      socket.setEncoding("latin1").on("data", (text: string) => {
        const lines = (rest + text).replaceAll("\u00ff", "").split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) {
          const message = JSON.parse(line) as Message;
          if (message.execute === "guest-sync-delimited") {
            // What an earlier conversation left comes first.
            socket.write('{"return": 7}\n{"half');
            socket.write(Buffer.from([0xff]));
            say(socket, { return: message.arguments["id"] });
          } else {
            heard.push(message);
            answer(message, socket);
          }
        }
      });
      socket.on("error", () => undefined);
    });
    const path = join(directory, "agent.sock");
    await new Promise<void>((resolve) => server.listen(path, resolve));
    agent = guestAgentAt(path);
  });
  afterEach(async () => {
    await new Promise((resolve) => server.close(resolve));
    rmSync(directory, { recursive: true, force: true });
  });

  test("is asked, one thing after the other, and its answers are not mixed up with old ones", async () => {
    answer = ({ execute }, socket) => say(socket, { return: execute === "guest-fsfreeze-freeze" ? 2 : {} });
    const [frozen] = await Promise.all([agent.freeze(), agent.thaw(), agent.setPassword("root", "c2VjcmV0")]);
    assert.equal(frozen, 2);
    assert.deepEqual(
      heard.map(({ execute }) => execute),
      ["guest-fsfreeze-freeze", "guest-fsfreeze-thaw", "guest-set-user-password"],
    );
    assert.deepEqual(heard[2]?.arguments, { username: "root", password: "c2VjcmV0", crypted: false });
  });

  const isA = (kind: string, words: RegExp) => (error: unknown) =>
    error instanceof CloudError && error.kind === kind && words.test(error.message);

  test("may refuse, in its own words", async () => {
    answer = (_message, socket) => say(socket, { error: { class: "GenericError", desc: "no such user" } });
    await assert.rejects(agent.setPassword("nobody", "eA=="), isA("conflict", /no such user/));
    // and may go in the middle
    answer = (_message, socket) => socket.destroy();
    await assert.rejects(agent.freeze(), isA("unavailable", /did not answer in time/));
    answer = (_message, socket) => socket.write("nonsense\n");
    await assert.rejects(agent.thaw(), isA("conflict", /refused/));
  });
});
