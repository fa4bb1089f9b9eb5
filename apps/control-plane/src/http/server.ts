import { readFileSync } from "node:fs";
import type { IncomingMessage, Server as HttpServer, ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";

import { type FastifyInstance, fastify } from "fastify";

import { CloudError, invalid, notFound } from "@andromede/base/errors";
import { createServer } from "@andromede/base/node-http";

import type { App } from "../app.ts";
import { type AtDoor, type Door, PROJECT_IN_PATH, createHandlers, doorTaken, sendRefusal } from "./dispatch.ts";
import { isTooDeep } from "./nesting.ts";
import type { Route, Service } from "./service.ts";

const MAX_JSON_BYTES = 1024 * 1024;
/** A request's head is there within this time, and so is TLS before it. */
const HEAD_MS = 20_000;
/** A body of JSON is there within this time; only uploads may take as long as they like. */
const BODY_MS = 30_000;
/** So long after being told that it was too slow, a client is cut off. */
const CLOSE_MS = 1_000;
/** How long a connection may wait for its next request. */
const KEEP_ALIVE_MS = 75_000;

/** What Fastify would load to check bodies and write answers by schemas: we do both ourselves (validation.ts). */
function noSchemas(): never {
  throw new Error("a route's schema is ours, and not Fastify's");
}

/** One plane's listener: every service under its prefix, each with its own error format. Not yet listening. */
export function createHttpServer(
  app: App,
  door: Door,
  services: Service[],
  limits: { bodyMs?: number } = {},
): FastifyInstance {
  const tls = tlsOptions(app);
  const common = {
    bodyLimit: MAX_JSON_BYTES,
    exposeHeadRoutes: false,
    logger: false,
    requestTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
    routerOptions: { maxParamLength: 512 },
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
  } as const;
  const server = (tls === null ? fastify(common) : fastify({ ...common, https: tls })) as unknown as FastifyInstance;
  server.server.headersTimeout = HEAD_MS;
  setBodyParsers(server, limits.bodyMs ?? BODY_MS);
  for (const service of services) {
    void server.register(
      async (scope) => {
        scope.setErrorHandler((error, request, reply) => sendRefusal(app, reply, request, service, error));
        scope.setNotFoundHandler((request, reply) => {
          const known = isKnownPath(service, request.url);
          const error = known
            ? new CloudError("invalid", `${request.method} is not allowed here`, { status: 405 })
            : notFound("The resource could not be found.");
          return sendRefusal(app, reply, request, service, error);
        });
        const handlerOf = createHandlers(app, door, service);
        for (const rows of groupRoutes(service.routes)) addRoute(scope, service, rows, handlerOf(rows));
      },
      { prefix: service.mount },
    );
  }
  return server;
}

/**
 * Another plane's listener in front of the same routes: what Fastify keeps of some hundred routes is four megabytes that
 * there need not be twice. Not yet listening; `server` MUST be ready by then.
 */
export function createDoor(app: App, door: Door, server: FastifyInstance): HttpServer {
  const listener = (request: AtDoor, response: ServerResponse): void => {
    request[doorTaken] = door;
    server.routing(request, response);
  };
  const tls = tlsOptions(app);
  const own = tls === null ? createServer(listener) : createTlsServer(tls, listener);
  own.headersTimeout = HEAD_MS;
  own.requestTimeout = 0;
  own.keepAliveTimeout = KEEP_ALIVE_MS;
  // answered by Fastify, as on its own listener
  own.on("clientError", (error, socket) => server.server.emit("clientError", error, socket));
  return own;
}

function tlsOptions({ config: { tls } }: App) {
  if (tls === null) return null;
  return {
    key: readFileSync(tls.keyFile),
    cert: readFileSync(tls.certFile),
    minVersion: "TLSv1.2",
    handshakeTimeout: HEAD_MS,
  } as const;
}

function addRoute(
  scope: FastifyInstance,
  service: Service,
  rows: Route[],
  handler: ReturnType<ReturnType<typeof createHandlers>>,
): void {
  const [first] = rows;
  if (first === undefined) return;
  const streams = rows.some((row) => row.body === "stream");
  for (const url of pathsOf(service, first.path)) {
    scope.route({
      method: first.method,
      url,
      bodyLimit: streams ? Number.MAX_SAFE_INTEGER : Math.max(...rows.map((row) => row.maxBodyBytes ?? MAX_JSON_BYTES)),
      config: { streams },
      handler,
    });
  }
}

/** A route's path, and the same with the caller's project in it where the service has such paths. */
function pathsOf({ projectBelow }: Service, path: string): string[] {
  if (projectBelow === undefined || !path.startsWith(`${projectBelow}/`) || path === `${projectBelow}/`) return [path];
  return [path, `${projectBelow}/:${PROJECT_IN_PATH}${path.slice(projectBelow.length)}`];
}

/** JSON is parsed whatever the content type says, as OpenStack's services do; routes that stream get the bytes untouched. */
function setBodyParsers(server: FastifyInstance, bodyMs: number): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser("*", (request, payload, finish) => {
    if ((request.routeOptions.config as { streams?: boolean }).streams === true) {
      finish(null, undefined);
      return;
    }
    readBody(payload, request.routeOptions.bodyLimit ?? MAX_JSON_BYTES, bodyMs).then(
      (text) => {
        try {
          finish(null, parseBody(text));
        } catch (error) {
          finish(error as Error, undefined);
        }
      },
      (error: unknown) => finish(error as Error, undefined),
    );
  });
}

/** Reads at most `limit` bytes within a time; what is more, or slower, is refused and not kept. */
function readBody(payload: IncomingMessage, limit: number, withinMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    // the answer goes out on a connection that then ends: the rest of the body would be taken for the next request
    const late = setTimeout(() => {
      payload.pause();
      reject(new CloudError("invalid", "The request body did not come in time", { status: 408 }));
      setTimeout(() => payload.destroy(), CLOSE_MS).unref();
    }, withinMs);
    payload.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limit) chunks.push(chunk);
      else chunks.length = 0;
    });
    payload.once("end", () => {
      clearTimeout(late);
      if (size > limit) reject(new CloudError("tooLarge", `The request body is larger than ${limit} bytes`));
      else resolve(Buffer.concat(chunks).toString("utf8"));
    });
    payload.once("error", reject);
    payload.once("close", () => clearTimeout(late));
  });
}

function parseBody(text: string): unknown {
  if (text === "") return undefined;
  // PostgreSQL's text cannot hold U+0000, and no name of anything needs it
  if (text.includes("\\u0000")) throw invalid("The request body contains a null character");
  if (isTooDeep(text)) throw invalid("The request body is nested too deeply");
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid(
      "The server could not comply with the request since it is either malformed or otherwise incorrect: the body is not valid JSON",
      { cause },
    );
  }
}

function groupRoutes(routes: Route[]): Iterable<Route[]> {
  const groups = new Map<string, Route[]>();
  for (const row of routes) {
    // parameters may be named differently for the same place
    const key = `${row.method} ${row.path.replaceAll(/:[a-z_]+/g, ":")}`;
    const rows = groups.get(key) ?? [];
    rows.push(row);
    groups.set(key, rows);
  }
  return groups.values();
}

/** 405 or 404: does the path exist for another verb? */
function isKnownPath(service: Service, url: string): boolean {
  const path = url.split("?", 1)[0] ?? "";
  const below = path.slice(service.mount.length).split("/");
  return service.routes.some((row) => pathsOf(service, row.path).some((known) => matches(known.split("/"), below)));
}

const matches = (pattern: string[], path: string[]): boolean =>
  pattern.length === path.length &&
  pattern.every((part, index) => (part.startsWith(":") ? path[index] !== "" : part === path[index]));
