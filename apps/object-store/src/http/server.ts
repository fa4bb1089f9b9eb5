/** One plane's listener. It knows neither API: each request is handed to the one that it is for. */
import { readFileSync } from "node:fs";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Duplex } from "node:stream";

import { CloudError, causeChain, internal, invalid, unavailable } from "@andromede/base/errors";
import { createServer } from "@andromede/base/node-http";
import { isDataException, isDatabaseAway } from "@andromede/platform/db/failures";
import type { Actor } from "@andromede/platform/tokens/actor";

import { markBody } from "../bytes/piece-memory.ts";
import type { Door, Store } from "../store.ts";
import type { Exchange, Front } from "./exchange.ts";
import { isSwift } from "./front.ts";
import { objectionTo, toOriginForm } from "./request-head.ts";
import type { TrafficMeter } from "./traffic.ts";
import { newTransactionId } from "./transaction-id.ts";

const HEAD_MS = 20_000;
const KEEP_ALIVE_MS = 75_000;
/** A peer that neither sends nor takes a byte for so long is gone. */
const IDLE_MS = 60_000;
/** Swift allows 90 items of metadata of up to 4,096 bytes in all, S3 policies in headers; and both long paths. */
const MAX_HEADER_BYTES = 64 * 1024;
/** How long a refused client may go on sending what nobody wants. */
const DISCARD_MS = 30_000;
/** And how long one whose requests cannot be read: who is cut off while it sends never sees the answer. */
const LINGER_MS = 2_000;

export type Fronts = { swift: Front; s3: Front };

/** Not yet listening. */
export function createObjectServer(store: Store, door: Door, fronts: Fronts, traffic: TrafficMeter): Server {
  const answer = (request: IncomingMessage, response: ServerResponse, waits: boolean): void => {
    // Node hands on what came in the same breath at once. One by one (RFC 9112, section 9.3.2): it has its connection when the
    // answer before it is out, and none where that was the last
    if (response.socket === null) response.once("socket", () => answer(request, response, waits));
    else void serve({ store, door, fronts, traffic }, request, response, waits);
  };
  const listener = (request: IncomingMessage, response: ServerResponse): void => answer(request, response, false);
  const options = { maxHeaderSize: MAX_HEADER_BYTES, keepAliveTimeout: KEEP_ALIVE_MS, noDelay: true };
  const { tls } = store.config;
  const server =
    tls === null
      ? createServer(options, listener)
      : createTlsServer(
          { ...options, key: readFileSync(tls.keyFile), cert: readFileSync(tls.certFile), minVersion: "TLSv1.2" },
          listener,
        );
  server.headersTimeout = HEAD_MS;
  // a body may take as long as it likes, as long as it moves
  server.requestTimeout = 0;
  server.timeout = IDLE_MS;
  // their size is what is limited; what is more than so many Node would pass over in silence
  server.maxHeadersCount = 0;
  // with this listener Node does not say "100 Continue" by itself
  server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => answer(request, response, true));
  server.on("clientError", refuseUnreadable);
  return server;
}

/** What is no HTTP, or no request of ours: said once, and then nothing more of that connection is read. */
function refuseUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  // behind a request that was to be the last
  if (error.code === "HPE_CLOSED_CONNECTION") return;
  if (error.code === "ECONNRESET" || socket.destroyed || isAnswering(socket)) {
    socket.destroy();
    return;
  }
  // answered already: more of the same
  if (!socket.writable) return;
  const status = error.code === "HPE_HEADER_OVERFLOW" ? "431 Request Header Fields Too Large" : "400 Bad Request";
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
  const deadline = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.once("close", () => clearTimeout(deadline));
}

/** Is an answer to an earlier request under way? A refusal would be taken for it, or for some of its body. Node's own field, as it uses it itself. */
function isAnswering(socket: Duplex & { _httpMessage?: ServerResponse | null }): boolean {
  const { _httpMessage: response = null } = socket;
  return response !== null && (response.headersSent || response.req.complete);
}

type Place = { store: Store; door: Door; fronts: Fronts; traffic: TrafficMeter };

async function serve(place: Place, request: IncomingMessage, response: ServerResponse, waits: boolean): Promise<void> {
  const { store, fronts } = place;
  const objection = objectionTo(request);
  if (objection !== null) return refuseHead(response, objection);
  const exchange = exchangeOf(place, request, response, waits);
  const { headers } = request;
  const addressed = {
    rawPath: exchange.rawPath,
    rawQuery: exchange.rawQuery,
    host: headers.host ?? "",
    authorization: headers.authorization ?? "",
  };
  const { s3Domains = [], s3WebsiteDomains } = store.config;
  const domains = s3WebsiteDomains === undefined ? s3Domains : [...s3Domains, ...s3WebsiteDomains];
  const front = isSwift(addressed, domains) ? fronts.swift : fronts.s3;
  try {
    if (exchange.rawPath[0] !== "/") throw invalid("The path must begin with a slash");
    await front.handle(exchange);
  } catch (error) {
    fail(exchange, front, error);
  }
  if (!request.complete && hasBody(request)) discard(request);
}

/** Where its body ends others may see otherwise: what follows on that connection is no request. */
function refuseHead(response: ServerResponse, status: 400 | 501): void {
  response.writeHead(status, { connection: "close", "content-length": 0 });
  response.end();
}

function exchangeOf(place: Place, request: IncomingMessage, response: ServerResponse, waits: boolean): Exchange {
  const { store, door, traffic } = place;
  const url = toOriginForm(request.url ?? "/", request.headers.host);
  const question = url.indexOf("?");
  const startedAtMs = store.clock.now();
  const transactionId = newTransactionId(startedAtMs);
  response.setHeader("x-trans-id", transactionId);
  response.setHeader("x-openstack-request-id", transactionId);
  const address = request.socket.remoteAddress ?? null;
  let mayGoOn = waits;
  return {
    store,
    door,
    request,
    response,
    method: request.method ?? "GET",
    rawPath: question < 0 ? url : url.slice(0, question),
    rawQuery: question < 0 ? "" : url.slice(question + 1),
    transactionId,
    address,
    startedAtMs,
    watch: null,
    body() {
      if (mayGoOn) response.writeContinue();
      mayGoOn = false;
      return markBody(request);
    },
    origin: (actor: Actor | null) => ({
      requestId: transactionId,
      userId: actor?.userId ?? null,
      userName: actor?.userName ?? null,
      projectId: actor?.projectId ?? null,
      plane: door.plane,
      address,
    }),
    charge: (projectId) => charge(traffic, projectId, request, response),
  };
}

const READS = new Set(["GET", "HEAD", "OPTIONS"]);
const counted = new WeakMap<object, { received: number; sent: number }>();

/** A connection's counters run on from request to request: what this one adds is counted when its answer is over. */
function charge(traffic: TrafficMeter, projectId: string, request: IncomingMessage, response: ServerResponse): void {
  traffic.admit(projectId);
  const { socket } = request;
  response.once("close", () => {
    const before = counted.get(socket) ?? { received: 0, sent: 0 };
    const now = { received: socket.bytesRead, sent: socket.bytesWritten };
    counted.set(socket, now);
    const isRead = READS.has(request.method ?? "");
    traffic.count(projectId, {
      reads: isRead ? 1 : 0,
      writes: isRead ? 0 : 1,
      bytesIn: now.received - before.received,
      bytesOut: now.sent - before.sent,
    });
  });
}

function fail(exchange: Exchange, front: Front, error: unknown): void {
  const { request, response, store } = exchange;
  const known = asCloudError(error);
  const line = { requestId: exchange.transactionId, method: exchange.method, path: exchange.rawPath };
  // what a connection that was cut fails with is nobody's mistake
  const isGone = request.socket.destroyed && !(error instanceof CloudError);
  if (!isGone && (known.kind === "internal" || known.kind === "unavailable"))
    store.log.error({ ...line, error }, "request failed");
  else store.log.info({ ...line, why: causeChain(error) }, "request refused");
  // who is gone reads no answer; what has begun can only be cut short
  if (response.headersSent || request.socket.destroyed) return void response.destroy();
  try {
    front.fail(exchange, known);
  } catch (cause) {
    store.log.error({ ...line, error: cause }, "a refusal could not be sent");
    response.destroy();
  }
}

function asCloudError(error: unknown): CloudError {
  if (error instanceof CloudError) return error;
  if (isDataException(error)) return invalid("A value in the request cannot be stored", { cause: error });
  if (isDatabaseAway(error))
    return unavailable("The service is not available at the moment; try again", { cause: error });
  return internal("The server could not do what was asked for.", { cause: error });
}

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";

/** A refused body is still coming: most clients read an answer only once they have sent it all. */
function discard(request: IncomingMessage): void {
  request.resume();
  const deadline = setTimeout(() => request.destroy(), DISCARD_MS).unref();
  request.once("close", () => clearTimeout(deadline));
}
