/** The Swift API: a request is taken apart, its caller known, a handler found; its answer goes out. */
import { CloudError } from "@andromede/base/errors";
import type { Actor } from "@andromede/platform/tokens/actor";

import type { Exchange, Front } from "../http/exchange.ts";
import { recordRefusal } from "../http/refusals.ts";
import { callerOf } from "./acl/caller.ts";
import { dressForOrigin } from "./cors/cors.ts";
import { formBoundary, postForm } from "./form-post/form-post.ts";
import { healthReply, infoReply } from "./info/info.ts";
import { findRoute } from "./routes.ts";
import { type SwiftRequest, levelOf } from "./swift-request.ts";
import { admitTempUrl } from "./temp-url/temp-url.ts";
import { refusal } from "./wire/refusal.ts";
import { type Reply, errorReply, send } from "./wire/reply.ts";
import { parsePath, projectOf } from "./wire/swift-path.ts";
import { parseQuery } from "./wire/text.ts";

export const swiftFront: Front = { handle, fail };

/** Whose refusal it is. */
const actors = new WeakMap<Exchange, Actor | null>();

async function handle(exchange: Exchange): Promise<void> {
  const { rawPath, response, method } = exchange;
  const query = parseQuery(exchange.rawQuery);
  if (rawPath === "/healthcheck") return send(response, method, healthReply());
  if (query === null) throw refusal(400, "The query is not valid UTF-8");
  if (rawPath === "/info") return send(response, method, infoReply(exchange, query));
  const request = understand(exchange, query);
  let reply: Reply;
  try {
    reply = await answer(request);
  } catch (error) {
    // a page on another site may read why it was refused
    if (request.headers.origin === undefined || !(error instanceof CloudError) || error.kind === "internal")
      throw error;
    recordRefusal(exchange, request.caller.actor, error);
    reply = errorReply(error, request.account);
  }
  dress(request, reply);
  return send(response, method, reply);
}

function understand(exchange: Exchange, query: SwiftRequest["query"]): SwiftRequest {
  const path = parsePath(exchange.rawPath);
  if (path === "invalid-text") throw refusal(412, "Invalid UTF8 or contains NULL");
  if (path === "bad-url") throw refusal(412, "Bad URL");
  if (path === "no-path") throw refusal(404);
  const { account, container, object } = path;
  const caller = callerOf(exchange);
  actors.set(exchange, caller.actor);
  const projectId = projectOf(account);
  // what is nobody's account is told from one that is not yours to those only who may have every one
  if (projectId === null) throw refusal(caller.isReseller ? 404 : caller.actor === null ? 401 : 403);
  const { store, request, method } = exchange;
  return {
    exchange,
    store,
    method,
    headers: request.headers,
    query,
    account,
    projectId,
    container,
    object,
    caller,
    origin: exchange.origin(caller.actor),
    known: new Map(),
  };
}

async function answer(request: SwiftRequest): Promise<Reply> {
  const { exchange, method, query } = request;
  const boundary = formBoundary(request);
  if (boundary !== null) {
    exchange.charge(request.projectId);
    return postForm(request, boundary);
  }
  const signed = await admitTempUrl(request);
  exchange.charge(request.projectId);
  if (signed === null) return findRoute(method, levelOf(request), query)(request);
  const admitted = signed.request;
  return signed.dress(await findRoute(method, levelOf(admitted), admitted.query)(admitted));
}

function dress(request: SwiftRequest, reply: Reply): void {
  const { headers, container, method, projectId } = request;
  const { origin } = headers;
  if (origin === undefined || method === "OPTIONS" || container === null) return;
  const found = request.known.get(`${projectId}/${container}`);
  dressForOrigin(found ?? null, origin, reply);
}

function fail(exchange: Exchange, error: CloudError): void {
  const { response, method, rawPath } = exchange;
  recordRefusal(exchange, actors.get(exchange) ?? null, error);
  const path = parsePath(rawPath);
  void send(response, method, errorReply(error, typeof path === "string" ? "unknown" : path.account));
}
