/** The way to a server's screen and serial line: a URL with a token that works once, for ten minutes. */
import { createHash, randomBytes } from "node:crypto";

import { conflict, invalid } from "@andromede/base/errors";

import type { App } from "../../../app.ts";
import { transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { checkLock } from "../servers/change-power.ts";
import { getServer, getServerLocked } from "../servers/read-servers.ts";
import { type Server, stateOf } from "../servers/server.model.ts";
import { type ConsoleStream, findConsoleToken, insertConsoleToken } from "./console.queries.ts";

const LIFETIME_MS = 10 * 60_000;

export const hashToken = (token: string): string => createHash("sha256").update(token).digest("hex");

/** Returns the WebSocket's URL; the same listener serves it. */
export async function openConsole(request: ApiRequest, id: string, stream: ConsoleStream): Promise<string> {
  const now = new Date(request.app.clock.now());
  const token = randomBytes(32).toString("base64url");
  await transact(request.app, request.origin, async (tx) => {
    const server = await getServerLocked(tx.sql, request, id);
    checkLock(request, server);
    checkHasConsole(server);
    const expiresAt = new Date(now.getTime() + LIFETIME_MS);
    await insertConsoleToken(tx.sql, { hash: hashToken(token), serverId: server.id, stream, expiresAt }, now);
    tx.event({
      action: "compute.console.grant",
      target: { type: "server", id: server.id, projectId: server.projectId },
      detail: { stream },
    });
  });
  return `${request.baseUrl.replace(/^http/, "ws")}/compute/console/${stream}?token=${token}`;
}

/** Which server a token opens; null: none. */
export const consoleOf = (app: App, token: string): Promise<{ serverId: string } | null> =>
  findConsoleToken(app.db, hashToken(token), new Date(app.clock.now()));

function checkHasConsole(server: Server): void {
  const { vmState } = stateOf(server);
  if (server.host === null || vmState === "building") throw conflict(`Instance ${server.id} is not ready`);
  if (!["active", "paused", "rescued", "resized"].includes(vmState)) {
    throw conflict(`Cannot 'get_console' instance ${server.id} while it is in vm_state ${vmState}`);
  }
}

/** The last lines of the serial line; all that is kept when no length is given or it is not positive. */
export async function readConsoleText(
  request: ApiRequest,
  id: string,
  length: number | string | null,
): Promise<string> {
  const server = await getServer(request, id);
  const lines = length === null ? undefined : Number(length);
  if (lines !== undefined && (!Number.isInteger(lines) || lines < -1 || lines > 0x7fff_ffff)) {
    throw invalid("Invalid input for field/attribute length. It must be an integer, -1 or more");
  }
  if (server.host === null || server.observedState === null) throw conflict(`Instance ${server.id} is not ready`);
  return request.app.agents
    .client(server.host)
    .consoleText(server.id, lines === undefined || lines < 0 ? undefined : lines);
}
