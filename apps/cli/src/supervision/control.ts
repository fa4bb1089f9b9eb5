/**
 * How the CLI talks to the supervisor: one JSON line each way over `run/supervisor.sock`. Only root can reach the socket.
 */
import { chmodSync, rmSync } from "node:fs";
import { type Server, type Socket, connect, createServer } from "node:net";
import { createInterface } from "node:readline";

import { messageOf, unavailable } from "@andromede/base/errors";
import { parseJson } from "@andromede/base/json";
import type { Logger } from "@andromede/base/log";

import type { Supervisor, UnitStatus } from "./supervisor.ts";

export type ControlRequest = { do: "status" | "reload" | "exit" } | { do: "start" | "stop" | "restart"; unit: string };
/** Who asks goes into the log: a cloud that went down on somebody's word must not look like one that vanished. */
type SignedRequest = ControlRequest & { by?: string };
export type ControlReply = { ok: true; pid: number; units: UnitStatus[] } | { ok: false; message: string };

/** Serves the control socket. `exit` is called after the reply to that request has been written. */
export function serveControl(supervisor: Supervisor, socketPath: string, log: Logger, exit: () => void): Server {
  rmSync(socketPath, { force: true });
  const server = createServer((socket) => serveOne(supervisor, socket, log, exit));
  server.listen(socketPath, () => chmodSync(socketPath, 0o600));
  return server;
}

function serveOne(supervisor: Supervisor, socket: Socket, log: Logger, exit: () => void): void {
  socket.on("error", () => socket.destroy());
  createInterface({ input: socket }).once("line", (line) => {
    void answer(supervisor, line, log).then(({ reply, leave }) => {
      socket.end(`${JSON.stringify(reply)}\n`, () => {
        if (leave) exit();
      });
    });
  });
}

async function answer(
  supervisor: Supervisor,
  line: string,
  log: Logger,
): Promise<{ reply: ControlReply; leave: boolean }> {
  try {
    const { by, ...request } = parseJson(line, "control request") as SignedRequest;
    if (request.do !== "status" && request.do !== "reload") log.info({ ...request, by }, "asked");
    await carryOut(supervisor, request);
    return { reply: { ok: true, pid: process.pid, units: supervisor.status() }, leave: request.do === "exit" };
  } catch (error) {
    return { reply: { ok: false, message: messageOf(error) }, leave: false };
  }
}

async function carryOut(supervisor: Supervisor, request: ControlRequest): Promise<void> {
  switch (request.do) {
    case "status":
    case "exit":
      return;
    case "reload":
      return supervisor.reload();
    case "start":
      return supervisor.startUnit(request.unit);
    case "stop":
      return supervisor.stopUnit(request.unit);
    case "restart":
      return supervisor.restartUnit(request.unit);
    default:
      throw unavailable(`unknown request ${JSON.stringify(request satisfies never)}`);
  }
}

/** Process and command line, without the interpreter's path. */
const whoWeAre = (): string => `${process.pid}: ${process.argv.slice(1).join(" ")}`;

/** Sends one request; throws `unavailable` when no supervisor answers. */
export function askSupervisor(
  socketPath: string,
  request: ControlRequest,
  timeoutMs = 60_000,
): Promise<ControlReply & { ok: true }> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    const fail = (cause: unknown): void => {
      socket.destroy();
      reject(unavailable("the supervisor does not answer", { cause }));
    };
    socket.setTimeout(timeoutMs, () => fail(new Error(`no reply within ${timeoutMs} ms`)));
    socket.once("error", fail);
    socket.once("connect", () => socket.write(`${JSON.stringify({ ...request, by: whoWeAre() })}\n`));
    const lines = createInterface({ input: socket });
    // The stream's errors reach the interface too; they are handled above.
    lines.on("error", () => undefined);
    lines.once("line", (line) => {
      socket.destroy();
      const reply = JSON.parse(line) as ControlReply;
      if (reply.ok) resolve(reply);
      else reject(unavailable(reply.message));
    });
    socket.once("close", () => fail(new Error("closed without a reply")));
  });
}
