/**
 * Requests to containers with a log are looked at until their answer is over: then their records are made. Whoever asks a
 * container without one pays nothing for it.
 */
import type { ServerResponse } from "node:http";
import { TLSSocket } from "node:tls";

import type { Exchange } from "../http/exchange.ts";
import type { Container } from "../namespace/container.model.ts";
import type { Access, Watch } from "./access.model.ts";
import { type Seen, formatRecord } from "./record.model.ts";

export type Facts = Omit<Access, "container" | "logging" | "objectSize" | "byAcl"> & { objectSize?: number };

/** The request is about this container. The first it is about is its own: see `amendAccess`. */
export function logAccess(exchange: Exchange, container: Container, facts: Facts): void {
  const { logging } = container.settings;
  if (logging === undefined) return;
  const access: Access = { objectSize: null, ...facts, container, logging, byAcl: false };
  if (exchange.watch === null) exchange.watch = startWatch(exchange, access);
  else exchange.watch.accesses.push(access);
}

/** What turned out about the request on the way. */
export function amendAccess({ watch }: Exchange, change: Partial<Access>): void {
  if (watch !== null) Object.assign(watch.accesses[0], change);
}

function startWatch(exchange: Exchange, access: Access): Watch {
  const { request, response, store } = exchange;
  const watch: Watch = { accesses: [access], errorCode: null };
  const { socket } = request;
  const writtenBefore = socket.bytesWritten;
  const meter = meterAnswer(response, () => store.clock.now());
  const hasBody = request.headers["content-length"] !== undefined || request.headers["transfer-encoding"] !== undefined;
  let lastByteMs = hasBody ? null : exchange.startedAtMs;
  if (hasBody) request.once("end", () => (lastByteMs = store.clock.now()));
  // asked now: of a connection that has ended it cannot be told any more
  const tls = socket instanceof TLSSocket ? { cipher: socket.getCipher().name, version: socket.getProtocol() } : null;
  response.once("close", () => {
    const { firstByteMs, bytes } = meter;
    const seen: Seen = {
      receivedAtMs: exchange.startedAtMs,
      address: exchange.address,
      requestId: exchange.transactionId,
      method: exchange.method,
      url: request.url ?? "/",
      httpVersion: request.httpVersion,
      status: response.headersSent ? response.statusCode : null,
      errorCode: watch.errorCode,
      // of a client that went away: no more than the connection was given
      bytesSent: exchange.method === "HEAD" ? 0 : Math.min(bytes, socket.bytesWritten - writtenBefore),
      shownSize: shownSize(response),
      totalMs: store.clock.now() - exchange.startedAtMs,
      turnAroundMs: firstByteMs === null || lastByteMs === null ? null : Math.max(0, firstByteMs - lastByteMs),
      referrer: request.headers.referer,
      userAgent: request.headers["user-agent"],
      host: request.headers.host,
      cipher: tls?.cipher,
      tlsVersion: tls?.version ?? undefined,
    };
    for (const one of watch.accesses)
      store.accessLog.append(one.container, one.logging, seen.receivedAtMs, formatRecord(one, seen));
  });
  return watch;
}

/** Counts what is written of the body, and notes when the head is. */
function meterAnswer(response: ServerResponse, now: () => number): { bytes: number; firstByteMs: number | null } {
  const meter: { bytes: number; firstByteMs: number | null } = { bytes: 0, firstByteMs: null };
  const [write, end, writeHead] = [
    response.write.bind(response),
    response.end.bind(response),
    response.writeHead.bind(response),
  ];
  const count = ([chunk, encoding]: unknown[]): void => {
    if (typeof chunk === "string")
      meter.bytes += Buffer.byteLength(chunk, typeof encoding === "string" ? (encoding as BufferEncoding) : "utf8");
    else if (chunk instanceof Uint8Array) meter.bytes += chunk.byteLength;
  };
  const passing =
    <Method extends (...args: never[]) => unknown>(method: Method, note: (args: unknown[]) => void) =>
    (...args: unknown[]): unknown => {
      note(args);
      return Reflect.apply(method, undefined, args);
    };
  response.write = passing(write, count) as ServerResponse["write"];
  response.end = passing(end, count) as ServerResponse["end"];
  response.writeHead = passing(writeHead, () => (meter.firstByteMs ??= now())) as ServerResponse["writeHead"];
  return meter;
}

function shownSize(response: ServerResponse): number | null {
  const range = response.getHeader("content-range");
  const text = typeof range === "string" ? range.slice(range.indexOf("/") + 1) : response.getHeader("content-length");
  const size = Number(text ?? Number.NaN);
  return Number.isSafeInteger(size) ? size : null;
}
