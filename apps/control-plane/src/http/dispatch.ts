/** One request: who, may they, is it well-formed; then the handler. The same for every route of every service. */
import type { IncomingMessage, OutgoingHttpHeaders } from "node:http";

import type { FastifyReply, FastifyRequest } from "fastify";

import {
  CloudError,
  causeChain,
  forbidden,
  internal,
  invalid,
  notFound,
  unauthenticated,
  unavailable,
} from "@andromede/base/errors";
import { newRequestId } from "@andromede/base/ids";
import { isDataException, isDatabaseAway } from "@andromede/platform/db/failures";
import { isAllowed } from "@andromede/platform/tokens/access-rules";
import type { Actor, Plane } from "@andromede/platform/tokens/actor";

import type { App } from "../app.ts";
import { recordRefusal } from "../events/refusal.ts";
import { statusOf } from "./error-body/status.ts";
import { negotiateVersion, versionHeaders } from "./microversion.ts";
import { type PolicyRule, allows } from "./policy.ts";
import { parseQuery } from "./query.ts";
import type { ApiRequest, Reply, Route, Service } from "./service.ts";
import { schemaAt, validate } from "./validation.ts";

/** The path's parameter of services whose paths may carry the caller's project. */
export const PROJECT_IN_PATH = "path_project_id";

export type Door = { plane: Plane; baseUrl: string };

/** The door a request came through, where that is not the one its server was made for. */
export const doorTaken = Symbol("door");
export type AtDoor = IncomingMessage & { [doorTaken]?: Door };

/** Nobody in particular. */
export const anonymous: Actor = {
  userId: "",
  userName: "",
  userDomainId: "",
  projectId: null,
  projectName: null,
  projectDomainId: null,
  domainId: null,
  roles: new Set(),
  directory: "customer",
  auditIds: [],
  expiresAtMs: 0,
};

type Handler = (raw: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

/** Makes handlers of a service's routes: `rows` share a verb and a path, and one of them serves the microversion asked for. */
export function createHandlers(app: App, mainDoor: Door, service: Service): (rows: Route[]) => Handler {
  // once, not for each route: every handler would keep its own
  const rules = new Map(service.rules.map((rule) => [rule.name, rule]));
  return (rows) => createHandler(app, mainDoor, service, rules, rows);
}

function createHandler(
  app: App,
  mainDoor: Door,
  service: Service,
  rules: Map<string, PolicyRule>,
  rows: Route[],
): Handler {
  const served = rows.map((row) => ({ row, rule: ruleOf(service, rules, row) }));

  return async function handle(raw: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const door = (raw.raw as AtDoor)[doorTaken] ?? mainDoor;
    const requestId = newRequestId();
    const context: { actor: Actor; version: number | undefined } = { actor: anonymous, version: undefined };
    try {
      const version = service.microversions === undefined ? 0 : negotiateVersion(service.microversions, raw.headers);
      context.version = version;
      const found = served.find(({ row }) => (row.since ?? 0) <= version && version <= (row.until ?? Infinity));
      if (found === undefined) throw notFound("The resource could not be found.");
      context.actor = authenticate(app, door, found.rule, raw);
      assertAccessRules(context.actor, service, raw);
      if (!allows(found.rule.role, context.actor, door.plane)) {
        throw forbidden(`Policy doesn't allow ${found.rule.name} to be performed.`);
      }
      checkPathProject(raw, context.actor);
      const request = toRequest(app, door, raw, found.row, { ...context, version, requestId });
      return await send(app, reply, service, await found.row.handler(request as ApiRequest<never>), {
        version,
        requestId,
      });
    } catch (error) {
      const known = asCloudError(error);
      discardBody(raw);
      logFailure(app, raw, known, error, requestId);
      recordRefusal(app, known, {
        requestId,
        actor: context.actor,
        plane: door.plane,
        address: raw.ip,
        service: service.name,
        method: raw.method,
        path: raw.url,
      });
      return sendError(app, reply, service, known, { version: context.version, requestId });
    }
  };
}

/** Cinder, of a path with another project in it than the token's. */
function checkPathProject(raw: FastifyRequest, actor: Actor): void {
  const named = (raw.params as { [name: string]: string } | undefined)?.[PROJECT_IN_PATH];
  if (named !== undefined && actor !== anonymous && named !== actor.projectId) throw invalid("Malformed request url");
}

/** How long a refused client may go on sending what nobody wants. */
const DISCARD_MS = 30_000;

/** A body that a handler was to stream is still coming: most clients read an answer only once they have sent it all. */
function discardBody(raw: FastifyRequest): void {
  if (raw.raw.complete) return;
  raw.raw.resume();
  const deadline = setTimeout(() => raw.raw.destroy(), DISCARD_MS).unref();
  raw.raw.once("close", () => clearTimeout(deadline));
}

function ruleOf(service: Service, rules: Map<string, PolicyRule>, row: Route): PolicyRule {
  const rule = rules.get(row.rule);
  if (rule === undefined)
    throw new Error(`${service.name}: ${row.method} ${row.path} names an unknown rule ${row.rule}`);
  return rule;
}

function authenticate(app: App, door: Door, rule: PolicyRule, raw: FastifyRequest): Actor {
  const token = raw.headers["x-auth-token"];
  const actor = typeof token === "string" && token !== "" ? app.tokens.verify(token, app.clock.now()) : null;
  // Rule 9: the customers' door does not know operators' accounts, not even with a token that is valid next door.
  const admitted = actor !== null && (door.plane === "operator" || actor.directory === "customer") ? actor : null;
  if (admitted !== null) return admitted;
  if (rule.role === "anyone") return anonymous;
  throw unauthenticated("The request you have made requires authentication.");
}

/** As OpenStack: to what its rules do not name, the token is none. */
function assertAccessRules({ accessRules }: Actor, service: Service, raw: FastifyRequest): void {
  if (accessRules === undefined) return;
  const [path = ""] = raw.url.split("?", 1);
  const request = { service: service.name, mount: service.mount, method: raw.method, path };
  if (!isAllowed(accessRules, request)) throw unauthenticated("Token authorization failed");
}

function toRequest(
  app: App,
  door: Door,
  raw: FastifyRequest,
  row: Route,
  context: { actor: Actor; version: number; requestId: string },
): ApiRequest {
  const { actor, version, requestId } = context;
  const question = raw.url.indexOf("?");
  const params = (raw.params ?? {}) as { [name: string]: string };
  for (const name in params)
    if (params[name]?.includes("\0") === true) throw notFound("The resource could not be found.");
  let body: unknown;
  if (row.body !== undefined && row.body !== "stream") {
    body = raw.body;
    if (body === undefined || body === null) throw invalid("The request has no JSON body");
    validate(schemaAt(row.body, version), body);
  }
  return {
    app,
    plane: door.plane,
    actor,
    params,
    query: parseQuery(question < 0 ? "" : raw.url.slice(question + 1)),
    body,
    headers: raw.headers,
    version,
    requestId,
    origin: {
      requestId,
      userId: actor.userId === "" ? null : actor.userId,
      userName: actor.userName === "" ? null : actor.userName,
      projectId: actor.projectId,
      plane: door.plane,
      address: raw.ip,
    },
    baseUrl: door.baseUrl,
    path: question < 0 ? raw.url : raw.url.slice(0, question),
    stream: raw.raw,
  };
}

/** Fastify's own refusals (bad JSON, body too large, bad media type) carry a 4xx statusCode. */
function asCloudError(error: unknown): CloudError {
  if (error instanceof CloudError) return error;
  const status = (error as { statusCode?: unknown }).statusCode;
  if (typeof status === "number" && status >= 400 && status < 500) {
    const kind = status === 413 ? "tooLarge" : "invalid";
    return new CloudError(kind, error instanceof Error ? error.message : "Bad request", { status, cause: error });
  }
  if (isDataException(error)) return invalid("A value in the request cannot be stored", { cause: error });
  if (isDatabaseAway(error))
    return unavailable("The service is not available at the moment; try again", { cause: error });
  return internal("The server has either erred or is incapable of performing the requested operation.", {
    cause: error,
  });
}

function logFailure(app: App, raw: FastifyRequest, known: CloudError, error: unknown, requestId: string): void {
  const line = { requestId, method: raw.method, path: raw.url, status: statusOf(known) };
  if (statusOf(known) >= 500) app.log.error({ ...line, error }, "request failed");
  // anybody can be refused as often as they like: where in our code that was is not worth a kilobyte each time
  else app.log.info({ ...line, why: causeChain(error) }, "request refused");
}

type Sent = { version: number | undefined; requestId: string };

function setCommonHeaders(reply: FastifyReply, service: Service, sent: Sent): void {
  reply.header("x-openstack-request-id", sent.requestId);
  if (service.name === "compute") reply.header("x-compute-request-id", sent.requestId);
  if (service.microversions !== undefined && sent.version !== undefined) {
    reply.headers(versionHeaders(service.microversions, sent.version));
  }
}

/** The head goes out now; what fails from here on can only be told by an end that comes too early. */
function sendWritten(app: App, reply: FastifyReply, write: NonNullable<Reply["write"]>): FastifyReply {
  const response = reply.raw;
  reply.hijack();
  response.writeHead(reply.statusCode, reply.getHeaders() as OutgoingHttpHeaders);
  write(response).then(
    () => response.end(),
    (error: unknown) => {
      if (!response.destroyed) app.log.warn({ error }, "an answer was cut short");
      response.destroy();
    },
  );
  return reply;
}

function send(app: App, reply: FastifyReply, service: Service, answer: Reply, sent: Sent): FastifyReply {
  setCommonHeaders(reply, service, sent);
  reply.code(answer.status);
  if (answer.headers !== undefined) reply.headers(answer.headers);
  if (answer.write !== undefined) return sendWritten(app, reply, answer.write);
  if (answer.stream !== undefined) return reply.send(answer.stream);
  if (answer.body === undefined) {
    if (answer.status !== 204) reply.header("content-length", "0");
    return reply.send();
  }
  if (typeof answer.body === "string") return reply.send(answer.body);
  if (!reply.hasHeader("content-type")) reply.header("content-type", "application/json");
  return reply.send(JSON.stringify(answer.body));
}

export function sendError(
  app: App,
  reply: FastifyReply,
  service: Service,
  error: CloudError,
  sent: Sent,
): FastifyReply {
  const answer = service.errorBody(error, statusOf(error), sent.requestId);
  return send(app, reply, service, { status: answer.status, body: answer.body, headers: answer.headers ?? {} }, sent);
}

/** For what Fastify refuses before a handler runs, and for paths nobody serves. */
export function sendRefusal(
  app: App,
  reply: FastifyReply,
  raw: FastifyRequest,
  service: Service,
  error: unknown,
): FastifyReply {
  const requestId = newRequestId();
  const known = asCloudError(error);
  logFailure(app, raw, known, error, requestId);
  return sendError(app, reply, service, known, { version: service.microversions?.default, requestId });
}
