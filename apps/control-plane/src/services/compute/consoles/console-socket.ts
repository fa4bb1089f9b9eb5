/**
 * WebSocket to a guest's VNC or serial stream: `/compute/console/{vnc|serial}?token=...`. The token is the only
 * credential (a browser cannot send others), so it works once and only for what it was given for. Bytes pass through
 * untouched, with back pressure both ways.
 */
import type { IncomingMessage, Server as HttpServer } from "node:http";
import type { Duplex } from "node:stream";

import { WebSocketServer, createWebSocketStream } from "ws";

import type { App } from "../../../app.ts";
import { newRequestId } from "@andromede/base/ids";
import { insertEvents } from "@andromede/platform/events/append";
import { takeConsoleToken } from "./console.queries.ts";
import { hashToken } from "./open-console.ts";

const PATH = /^\/compute\/console\/(vnc|serial)$/;
/** noVNC and websockify send no more in one frame. */
const MAX_FRAME_BYTES = 1024 * 1024;

/** Ends the consoles that are open: a listener that closes waits for its connections, and these are no longer its own. */
export type Consoles = { close(): void };

/** Serves consoles on a listener; every other upgrade there is refused. */
export function attachConsoles(app: App, httpServer: Pick<HttpServer, "on">): Consoles {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_FRAME_BYTES,
    perMessageDeflate: false,
    // noVNC names "binary"; other clients name nothing
    handleProtocols: (offered) => (offered.has("binary") ? "binary" : false),
  });
  httpServer.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on("error", (error) => app.log.debug({ error }, "console connection broke"));
    bridge(app, sockets, request, socket, head).catch((error: unknown) => {
      app.log.warn({ error, path: (request.url ?? "").split("?", 1)[0] }, "console refused");
      refuse(socket, 503, "Service Unavailable");
    });
  });
  return {
    close() {
      for (const client of sockets.clients) client.terminate();
    },
  };
}

/** A path of which no URL can be made is nobody's. */
function parseUrl(path: string | undefined): URL | null {
  return URL.parse(path ?? "/", "http://localhost");
}

function refuse(socket: Duplex, status: number, reason: string): void {
  if (!socket.writable) return;
  socket.end(`HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

async function bridge(
  app: App,
  sockets: WebSocketServer,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  const url = parseUrl(request.url);
  const stream = PATH.exec(url?.pathname ?? "")?.[1] as "vnc" | "serial" | undefined;
  if (url === null || stream === undefined) {
    refuse(socket, 404, "Not Found");
    return;
  }
  const now = app.clock.now();
  const granted = await takeConsoleToken(app.db, hashToken(url.searchParams.get("token") ?? ""), stream, new Date(now));
  if (granted === null || granted.host === null) {
    refuse(socket, 401, "Unauthorized");
    return;
  }
  const guest = await app.agents.client(granted.host).openStream(granted.serverId, stream);
  guest.on("error", (error) => app.log.debug({ error, server: granted.serverId }, "console stream broke"));
  if (socket.destroyed) {
    guest.destroy();
    return;
  }
  // whatever ends it, a handshake that fails too
  socket.once("close", () => guest.destroy());
  await recordOpening(app, granted, stream, request.socket.remoteAddress ?? null);
  sockets.handleUpgrade(request, socket, head, (webSocket) => {
    const client = createWebSocketStream(webSocket);
    client.on("error", (error) => app.log.debug({ error, server: granted.serverId }, "console client broke"));
    client.pipe(guest).pipe(client);
    guest.once("close", () => webSocket.close());
  });
}

async function recordOpening(
  app: App,
  granted: { serverId: string; projectId: string },
  stream: string,
  address: string | null,
): Promise<void> {
  const origin = {
    requestId: newRequestId(),
    userId: null,
    userName: null,
    projectId: granted.projectId,
    plane: "system" as const,
    address,
  };
  const event = {
    action: "compute.console.open",
    target: { type: "server", id: granted.serverId, projectId: granted.projectId },
    detail: { stream },
  };
  await insertEvents(app.db, origin, [event], app.clock.now());
}
