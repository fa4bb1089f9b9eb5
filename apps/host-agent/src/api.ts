/** Serves libs/agent-api (types.ts there is the contract) on a unix socket. */
import { chmod, chown, unlink } from "node:fs/promises";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createConnection } from "node:net";
import type { Duplex } from "node:stream";

import { guestSpecSchema, passwordSchema, rebootSchema } from "@andromede/agent-api/schemas";
import type { GuestDiagnostics, GuestReport, GuestSpec, HostFacts } from "@andromede/agent-api/types";
import { CloudError, type ErrorKind, conflict, internal, invalid, notFound } from "@andromede/base/errors";
import { STATUS_CODES, createServer } from "@andromede/base/node-http";
import type { Logger } from "@andromede/base/log";

import type { GuestStream } from "./backend.ts";
import { type Call, type Route, ajv, generationIn, readBody, reply, wholeNumber } from "./http-call.ts";
import { STORAGE_ROUTES, type StorageAgent } from "./volumes/storage-api.ts";

/** What the API asks of the agent. */
export type ApiAgent = StorageAgent & {
  host(): HostFacts;
  guests(): GuestReport[];
  putGuest(spec: GuestSpec): Promise<GuestReport>;
  getGuest(id: string): GuestReport | undefined;
  /** null when there is no such guest; a report that says `gone` when it went at once. */
  deleteGuest(id: string, generation: number): Promise<GuestReport | null>;
  rebootGuest(id: string, kind: "soft" | "hard", nonce: string): Promise<void>;
  consoleText(id: string, lines: number | undefined): Promise<string>;
  setPassword(id: string, user: string, password: string): Promise<void>;
  injectNmi(id: string): Promise<void>;
  diagnostics(id: string): Promise<GuestDiagnostics>;
  openStream(id: string, stream: GuestStream): Promise<Duplex>;
  streamReports(response: ServerResponse): void;
  dropImage(id: string): Promise<void>;
};

const MAX_CONSOLE_LINES = 100_000;

const STATUS: { [kind in ErrorKind]: number } = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  notFound: 404,
  conflict: 409,
  overQuota: 413,
  tooLarge: 413,
  noCapacity: 507,
  unavailable: 503,
  notImplemented: 501,
  internal: 500,
};

const validSpec = ajv.compile<GuestSpec>(guestSpecSchema);
const validPassword = ajv.compile<{ user: string; password: string }>(passwordSchema);
const validReboot = ajv.compile<{ kind: "soft" | "hard"; nonce: string }>(rebootSchema);

const ROUTES: Route<ApiAgent>[] = [
  ...STORAGE_ROUTES,
  { method: "GET", path: /^\/v1\/host$/, handle: (agent, { response }) => reply(response, 200, agent.host()) },
  {
    method: "GET",
    path: /^\/v1\/guests$/,
    handle: (agent, { response }) => reply(response, 200, { guests: agent.guests() }),
  },
  { method: "PUT", path: /^\/v1\/guests\/([^/]+)$/, handle: putGuest },
  {
    method: "GET",
    path: /^\/v1\/guests\/([^/]+)$/,
    handle: (agent, { response, id }) => reply(response, 200, found(agent, id)),
  },
  { method: "DELETE", path: /^\/v1\/guests\/([^/]+)$/, handle: deleteGuest },
  { method: "POST", path: /^\/v1\/guests\/([^/]+)\/reboot$/, handle: rebootGuest },
  { method: "GET", path: /^\/v1\/guests\/([^/]+)\/console$/, handle: consoleText },
  { method: "POST", path: /^\/v1\/guests\/([^/]+)\/password$/, handle: setPassword },
  {
    method: "POST",
    path: /^\/v1\/guests\/([^/]+)\/nmi$/,
    handle: async (agent, { response, id }) => {
      found(agent, id);
      await agent.injectNmi(id);
      reply(response, 204, undefined);
    },
  },
  {
    method: "GET",
    path: /^\/v1\/guests\/([^/]+)\/diagnostics$/,
    handle: async (agent, { response, id }) => {
      found(agent, id);
      reply(response, 200, await agent.diagnostics(id));
    },
  },
  { method: "GET", path: /^\/v1\/reports$/, handle: (agent, { response }) => agent.streamReports(response) },
  {
    method: "DELETE",
    path: /^\/v1\/images\/([^/]+)$/,
    handle: async (agent, { response, id }) => {
      await agent.dropImage(id);
      reply(response, 202, undefined);
    },
  },
];
const STREAM_PATH = /^\/v1\/guests\/([^/]+)\/(vnc|serial)$/;

/** Makes the HTTP server of an agent. */
export function createApi(agent: ApiAgent, log: Logger): Server {
  const server = createServer((request, response) => {
    answer(agent, request, response).catch((error: unknown) => refuse(response, error, log));
  });
  // Streams are no longer the server's once upgraded: closing it must end them too, or it would never have closed.
  const streams = new Set<Duplex>();
  server.on("upgrade", (request, socket, head) => {
    streams.add(socket);
    socket.once("close", () => streams.delete(socket));
    socket.on("error", () => socket.destroy());
    // Half a console is none.
    socket.once("end", () => socket.destroy());
    stream(agent, request, socket, head).catch((error: unknown) => refuseStream(socket, error, log));
  });
  const closeAll = server.closeAllConnections.bind(server);
  server.closeAllConnections = () => {
    for (const socket of streams) socket.destroy();
    closeAll();
  };
  // The report stream is idle for as long as nothing happens.
  server.requestTimeout = 0;
  server.timeout = 0;
  // A control plane that was busy for some seconds must not find its connection closed just as it asks again.
  server.keepAliveTimeout = 0;
  return server;
}

/** Listens on a unix socket that only root and the control plane's group may use. Refuses if another agent answers there. */
export async function listenOn(server: Server, socketPath: string, groupId: number | undefined): Promise<void> {
  if (await answers(socketPath)) throw conflict(`another agent serves ${socketPath}`);
  await unlink(socketPath).catch(() => undefined);
  const mask = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(socketPath, resolve);
    });
  } finally {
    process.umask(mask);
  }
  if (groupId !== undefined) await chown(socketPath, 0, groupId);
  await chmod(socketPath, 0o660);
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(socketPath);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

async function answer(agent: ApiAgent, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = parseUrl(request);
  for (const { method, path, handle } of ROUTES) {
    if (method !== request.method) continue;
    const match = path.exec(url.pathname);
    if (match === null) continue;
    // Only one route matches.
    // eslint-disable-next-line no-await-in-loop
    await handle(agent, { request, response, url, id: idFrom(match[1]) });
    return;
  }
  throw notFound(`no ${request.method} ${url.pathname}`);
}

async function putGuest(agent: ApiAgent, { request, response, id }: Call): Promise<void> {
  const spec = await readBody(request, validSpec);
  if (spec.id !== id) throw invalid("the guest's id is not the one in the path", { field: "id" });
  reply(response, 202, await agent.putGuest(spec));
}

async function deleteGuest(agent: ApiAgent, { response, url, id }: Call): Promise<void> {
  const report = await agent.deleteGuest(id, generationIn(url));
  if (report === null) throw notFound(`no guest ${id} on this host`);
  reply(response, report.gone === true ? 200 : 202, report);
}

async function rebootGuest(agent: ApiAgent, { request, response, id }: Call): Promise<void> {
  const { kind, nonce } = await readBody(request, validReboot);
  await agent.rebootGuest(id, kind, nonce);
  reply(response, 202, undefined);
}

async function setPassword(agent: ApiAgent, { request, response, id }: Call): Promise<void> {
  const { user, password } = await readBody(request, validPassword);
  found(agent, id);
  await agent.setPassword(id, user, password);
  reply(response, 204, undefined);
}

async function consoleText(agent: ApiAgent, { response, url, id }: Call): Promise<void> {
  found(agent, id);
  const lines = wholeNumber(url, "length");
  const text = await agent.consoleText(id, lines === undefined ? undefined : Math.min(lines, MAX_CONSOLE_LINES));
  const body = Buffer.from(text);
  response.writeHead(200, { "content-type": "text/plain; charset=utf-8", "content-length": body.length });
  response.end(body);
}

async function stream(agent: ApiAgent, request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
  const match = STREAM_PATH.exec(parseUrl(request).pathname);
  if (match === null || request.method !== "GET") throw notFound("there is no such stream");
  const id = idFrom(match[1]);
  found(agent, id);
  const guest = await agent.openStream(id, match[2] as GuestStream);
  if (socket.destroyed) {
    guest.destroy();
    return;
  }
  socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
  if (head.length > 0) guest.write(head);
  socket.pipe(guest);
  guest.pipe(socket);
  guest.on("error", () => socket.destroy());
  guest.once("close", () => socket.destroy());
  socket.once("close", () => guest.destroy());
}

function found(agent: ApiAgent, id: string): GuestReport {
  const report = agent.getGuest(id);
  if (report === undefined) throw notFound(`no guest ${id} on this host`);
  return report;
}

function parseUrl(request: IncomingMessage): URL {
  try {
    return new URL(request.url ?? "/", "http://agent");
  } catch (cause) {
    throw invalid("the request's path is not valid", { cause });
  }
}

function idFrom(segment: string | undefined): string {
  try {
    return decodeURIComponent(segment ?? "");
  } catch (cause) {
    throw invalid("the id in the path is not valid", { cause });
  }
}

function toCloudError(error: unknown, log: Logger): CloudError {
  if (error instanceof CloudError) return error;
  log.error({ error }, "a request failed");
  return internal("the host agent failed", { cause: error });
}

const errorBody = ({ kind, message }: CloudError): unknown => ({ error: { kind, message } });

function refuse(response: ServerResponse, error: unknown, log: Logger): void {
  const refusal = toCloudError(error, log);
  if (response.headersSent) response.destroy();
  else reply(response, STATUS[refusal.kind], errorBody(refusal));
}

function refuseStream(socket: Duplex, error: unknown, log: Logger): void {
  const refusal = toCloudError(error, log);
  const status = STATUS[refusal.kind];
  const payload = JSON.stringify(errorBody(refusal));
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(payload)}\r\n\r\n${payload}`,
  );
}
